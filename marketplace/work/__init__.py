"""Work outside requests, done once whatever happens to the process that does it.

    pages and commands    client: write a job into the application's database, in their own transaction
    `carepool worker`     worker: hands jobs to DBOS, keeps time and the post, takes over from workers that died
    flows                 the durable workflows: a job (freeze, solve, record); each minute time's work
    steps, kinds          what a job's steps do, for every kind of job; each may be done twice and has its effect once
    watch                 beside a solve: writes how far it is, hears when it is called off
    scenarios             a study's question put to the engine, column by column
    post, feedback        letters by e-mail; what bidders are told about their offers
    advice                what would have helped those without a match
    care                  heartbeats, jobs handed over, taken over from lost workers, mended, tidied
    system, equipment     where DBOS keeps its tables; what a step works with: database, keys, clock, mail server
    slots, supervise      a worker's own name, held by a lock; a worker beside the pages on one machine

Why a job and not DBOS directly from a page: the job is written with its cause in one transaction of one database, so
there is no moment at which one is there without the other, and a page needs no second database.

A round may cross a deployment: its steps are taken up by the new code, as long as `WORK_VERSION` is the same. It is
raised when the steps of a workflow change; then a worker of the new version begins the jobs that were under way anew,
under the same ids, and whatever their earlier steps had recorded is found and kept.

The demo calls the journey directly: it plays a year that is past, under seeded ids, and a worker lives in the present.
"""

WORK_VERSION = "1"
"""The version of the workflows' steps: explicit, since the source's hash would leave rounds behind at every change."""
