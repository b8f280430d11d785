"""Words that a question may have without meaning more by them."""

from __future__ import annotations

from gpu_sizer.queries.words import word_set

STOP_WORDS = word_set(
    """
    a an the this that these those it its is are was be been being am do does did done can could will would should
    shall may might must i we you me my our your us they them their one ones for of to on in at by from with within
    without into onto over per than then as and or but if so not no yes please tell give show say know want wants
    wanted like need needs needed needing require requires required requirement requirements get gets have has had
    having how many much what whats which who where when why number amount count total minimum min least fewest
    smallest lowest maximum max most largest biggest longest highest big large small long short high low more less few
    fewer enough sufficient possible able ok okay fine good best better well just only also even still really actually
    exactly about around roughly approximately some any all each every both either other another same time times x
    using use used uses run runs running ran serve serves served serving host hosts hosted hosting deploy deploys
    deployed deploying deployment fit fits fitting load loads loaded loading work works working handle handles handling
    support supports supporting hold holds holding take takes taking put make makes inference inferencing infer
    gpu gpus card cards accelerator accelerators graphics hardware machine machines server servers node nodes box boxes
    rig setup system systems instance instances cluster rack memory vram ram gb gib gigabytes gigabyte hbm
    model models llm llms weights weight parameters params size sizes context contexts ctx window length lengths len
    token tokens tok sequence sequences prompt prompts input output user users request requests people client clients
    session sessions concurrent concurrency simultaneous simultaneously parallel batch once at full whole entire default
    unquantized unquantised native original released precision dtype type format kv cache
    compare comparing comparison versus vs v against between difference cheapest cheap cheaper price prices cost costs
    expensive money budget hour hourly rent way option options choose pick buy recommend recommended suggest
    hi hello hey thanks thank there here now today out up down off new let lets id ill im whats local locally home
    production prod nvidia amd intel geforce tesla quadro instinct radeon rtx gtx dgx hgx engine
    estimate calculate compute figure find see asked asking question answer lot lots kind kinds anything something
    everything list footprint usage consumption chats conversations streams employees colleagues developers
    students customers persons agents callers queries % $ € £ plus
    """
)

#: Words that are idle alone and part of a name behind one: Mistral Small, Command R plus.
OF_NAMES = word_set("small large max plus long")
