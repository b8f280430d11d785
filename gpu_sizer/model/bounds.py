"""How large the numbers of a card can be: some hundred times what the largest models and machines of 2026 have.

Plain numbers, for those who check without pydantic; as types of the schema they stand in
:mod:`gpu_sizer.model.constraints`.
"""

#: Widths, heads, experts, rows of a vocabulary.
MOST_SIZE = 1 << 24
#: Layers of a model, and how often a stretch of them is repeated.
MOST_LAYERS = 2048
#: Tokens of a context.
MOST_TOKENS = 1 << 32
#: One dimension of a tensor that is written out: tables of n-grams have some hundred million rows.
MOST_DIMENSION = 1 << 40
#: Values of a model, or of one of its tensors.
MOST_VALUES = 10**15
#: Characters of a text, and of an id.
LONGEST_TEXT, LONGEST_ID = 400, 80
#: Rates, sizes and prices of a machine.
MOST_RATE = 1e9
