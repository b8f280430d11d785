"""What stands in which folder of cards."""

from __future__ import annotations

#: Folders of model_cards/ that hold light cards: proprietary models, and open ones that cannot be sized. The catalogue
#: of sizable models passes them by.
LIGHT_FOLDERS = ("proprietary", "unsized")
#: Folder of gpu_specs/, and of a user's folder, that holds machines; readers of GPU specs and models pass it by.
MACHINES = "machines"
#: Folder of model_cards/, and of a user's folder, that holds tables of re-releases.
RERELEASES = "rereleases"
#: Folder of model_cards/ that holds the hub's own parameter counts, which `validate` compares.
COUNTS = "counts"
#: Folder of model_cards/, and of a user's folder, that holds cards of drafts: what only drafts for a model is none.
DRAFTS = "drafts"
#: Folders that readers of cards pass by.
PASSED_BY = (*LIGHT_FOLDERS, MACHINES, RERELEASES, COUNTS, DRAFTS)
#: Of those, what a user's own folder may hold as well, beside cards and specs.
OF_ONES_OWN = (RERELEASES, DRAFTS)
