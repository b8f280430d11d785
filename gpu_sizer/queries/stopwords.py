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
    using use used uses run runs running ran serve serves served serving host hosts hosted hosting self deploy deploys
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
    hi hello hey yo guys folks btw hmm
    question thanks thank there here now today out up down off new let lets id ill im whats local locally home
    production prod nvidia amd intel geforce tesla quadro instinct radeon rtx gtx dgx hgx engine
    estimate calculate compute figure find see asked asking question answer lot lots kind kinds anything something
    everything list footprint usage consumption chats conversations streams employees colleagues developers
    students customers persons agents callers queries % $ € £ plus
    wanna gonna gotta got ive youve weve own owned afford affordable suffice suffices wonder wondering whether far
    push go going went capacity limit limits share sharing chat chatting talk talking process processing processed
    occupy occupies occupied consume consumes gigs gig oom error errors crash squeeze cram terms term quantity qty
    heavy open source opensource quantization quantisation unquant recommendation recommendations suggestion
    suggestions advice ideal suitable suited right correct proper actual real current currently away under couldnt
    cant wont doesnt isnt dont didnt wouldnt shouldnt hows wheres theres thats anyone everyone someone somebody
    anybody everybody team company startup office business department school university lab project task job kindly
    dear greetings cheers regards appreciate appreciated helpful help helping thx ty pls plz asap quick quickly simple
    simply basically literally maybe perhaps possibly probably likely approx approximate estimated estimates think
    thought plan planning planned plans considering consider looking look try trying tried told wondered curious hope
    because since while during before after above below until till always never ever often sometimes mean means
    meaning says said called named such too very quite pretty properly comfortably safely easily smoothly happily yet
    already again twice together apart alone inside outside across among along through near last first third set sets
    setting settings config configuration thing things stuff ways day days questions tower desk desktop workstation pc
    laptop laptops notebook notebooks
    homelab basement datacenter datacentre data center centre cloud provider onprem premise premises prem site
    gaming available spare existing exist exists bought buying purchase purchasing getting given giving add adding
    added upgrade upgrading start starting starts started serveable servable runnable fitted hostable deployable
    deployments provide provides providing offer offers allow allows allowed allowing accept accepts expect expects
    expecting expected reach reaches achieve achieves keep keeping kept leave leaves leaving spend spending pay paying
    worth value overall ballpark guess numbers figures dtypes finetuned tuned pretrained custom private internal
    public popular famous standard regular normal usual typical average classic plain vanilla stock trained version
    variant parameter sized suppose supposing assume assuming necessary gimme minimal seq chance name feed document
    documents weigh weighs space splitting split num goes sit sits second imagine acceptable determine my mine owner
    pieces piece device devices hey folks guys question fails fail failed failing valueerror increasing runtime
    raised memoryerror target targets sort sorts kindly fully sized duration resources resource spec specs
    specification
    """
)

#: Words that are idle alone and part of a name behind one: Mistral Small, Command R plus.
OF_NAMES = word_set("small large max plus long")
