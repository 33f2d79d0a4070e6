"""The journey of a budget, one step a file, in walking order. `STEPS` is the map.

Every step has one shape: ``step(session, now, actor, ...)`` loads with a row lock, checks that this actor may do
this now, decides by `marketplace.rules`, changes `marketplace.records`, appends an audit event and queues messages.
It runs in ONE transaction, which its caller opens with ``with writing(session):``. `rounds.run_round` and
`deadlines.run_due` open their own, because they walk several.

`sharing` moves a shared pool's money beside these steps (README.md); `support` decides on extra support in them, by
the rules that `funding` reads. `scopes` says what each actor may see; `figures`
what it all came to; `statements` a budget's money in words; `chain` the audit trail's signed end; `keys` carries the
keyring; `factors` knows codes and secrets of a second step; `roots`, `proofs` and `bundles` are for whoever checks a
round.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its function, who takes it, and the status it leads from and to."""

    function: str
    who: str
    leads_from: str
    leads_to: str


STEPS = (
    Step("people.register_patient", "commissioner", "-", "a patient"),
    Step("budgets.open_budget", "commissioner", "-", "money available; care plan drafted"),
    Step("allocations.allocate", "commissioner", "-", "a patient, if new; money available; care plan drafted"),
    Step("allocations.allocate_all", "commissioner", "-", "the same for all of a file, or for nobody"),
    Step("budgets.approve_plan", "commissioner", "plan drafted", "plan approved"),
    Step("support.record_facts", "commissioner", "a patient", "known for the rule; extra support decided anew"),
    Step("supporters.name_supporter", "commissioner or broker", "extra support", "somebody with a name stands by them"),
    Step("supporters.expire_supporter", "scheduler", "extra support over", "nobody stands by them any more"),
    Step("budgets.review_plan", "commissioner", "plan approved", "plan reviewed, free lines changed; next one dated"),
    Step("budgets.remind_of_review", "scheduler", "plan approved, review due", "patient and commissioner told"),
    Step("budgets.set_rules", "commissioner", "-", "review times and extra support decided"),
    Step("budgets.admit_holder", "commissioner", "-", "an organisation that keeps budgets"),
    Step("funds.supplement", "commissioner", "budget running", "more money available"),
    Step("funds.reclaim", "commissioner", "money available", "money with the funder"),
    Step("hand_overs.hand_over", "commissioner", "shared money owed to or by a keeper", "paid on; less is owed"),
    Step("funds.expire_budget", "scheduler", "budget ended or left, money available", "money with the funder"),
    Step(
        "leaving.choose_conventional",
        "patient",
        "plan line, no contract in force",
        "conventional package; money with the funder",
    ),
    Step("views.note_view", "anybody but the patient", "-", "look at a patient's record noted"),
    Step("people.choose_broker", "patient", "-", "a broker's client"),
    Step("clients.take_on", "broker", "-", "a patient, its client"),
    Step("clients.take_on_all", "broker", "-", "patients, its clients: all of a file or nobody"),
    Step("people.set_easy_read", "patient", "-", "pages in easy-read, or not"),
    Step("representatives.appoint", "commissioner", "-", "authority to act for a patient"),
    Step("representatives.end_authority", "patient or commissioner", "authority", "ended; consents under it void"),
    Step("representatives.expire_authority", "scheduler", "authority past its last day", "ended; consents void"),
    Step("people.approve_broker", "commissioner", "-", "a broker"),
    Step("broker_fees.agree_fee", "commissioner", "a broker", "another fee for what it publishes from now on"),
    Step("broker_fees.pay_fee", "commissioner", "fees earned", "paid; less is owed"),
    Step("people.approve_provider", "commissioner", "-", "a provider with its sites"),
    Step("people.add_site", "commissioner", "a provider", "one more site"),
    Step("sites.state_site", "provider", "a site", "the same, doing or having something else"),
    Step("sites.change_rating", "commissioner", "a site", "the same, with another published rating"),
    Step("sites.move_site", "commissioner", "a site", "the same, somewhere else; who goes there is told"),
    Step("sites.close_site", "commissioner", "a site", "closed to new offers"),
    Step("sites.reopen_site", "commissioner", "a site closed", "open again"),
    Step("catalogue.add_service", "commissioner", "-", "a service with its prices"),
    Step("catalogue.change_prices", "commissioner", "a service", "other prices for what is published from now on"),
    Step("catalogue.exclude", "commissioner", "-", "something no budget may pay for"),
    Step("users.open_for", "commissioner", "-", "an account, and a one-time code for it"),
    Step("users.renew_code", "commissioner", "account without a password", "another one-time code"),
    Step("users.close", "commissioner", "account", "closed; signed out everywhere"),
    Step("users.reopen", "commissioner", "account closed", "open again"),
    Step("tries.note_try", "anybody", "-", "a try at a password or code counted, or refused"),
    Step("accounts.sign_in", "whoever has the password", "account", "signed in, or halfway in"),
    Step("second_steps.give_code", "whoever has the app", "halfway in", "signed in; the code opens nothing again"),
    Step("second_steps.give_recovery_code", "whoever has the codes", "halfway in", "signed in; one code less"),
    Step("second_steps.set_up_first", "whose role must have it", "halfway in", "second step on; signed in"),
    Step("second_steps.begin", "whoever is signed in", "-", "a secret to put into an app"),
    Step("second_steps.confirm", "whoever is signed in", "a secret in an app", "second step on, or with another phone"),
    Step("second_steps.renew_recovery_codes", "whoever is signed in", "second step on", "ten other recovery codes"),
    Step("second_steps.switch_off", "whoever is signed in", "second step on", "the password is enough"),
    Step("second_steps.take_away", "commissioner", "second step on", "off; signed out everywhere"),
    Step("passwords.choose_password", "whoever has the code", "account", "account with the password chosen"),
    Step("passwords.ask_for_code", "anybody", "account", "a letter with a code to its owner"),
    Step("passwords.change_password", "whoever is signed in", "account", "another password; other browsers signed out"),
    Step("passwords.sign_out_others", "whoever is signed in", "account", "other browsers signed out"),
    Step("programs.connect", "whoever has an account", "-", "another program that acts for it"),
    Step("programs.disconnect", "whoever has an account", "a program", "its token opens nothing"),
    Step("conduct.declare_interest", "broker or representative", "-", "firewall to that provider"),
    Step("conduct.end_interest", "broker or representative", "interest", "ended; open to its next offers"),
    Step("conduct.suspend", "commissioner", "approved", "suspended"),
    Step("conduct.reinstate", "commissioner", "suspended", "approved"),
    Step("tenders.draft_tender", "broker", "-", "tender draft"),
    Step("tenders.amend_policy", "broker", "tender draft", "tender draft; consents to the old policy void"),
    Step("pools.build_bundle", "broker", "tender draft", "a lot with terms"),
    Step("pools.invite", "broker", "plan line", "need invited"),
    Step("pools.agree", "patient", "need invited", "need agreed"),
    Step("pools.decline_invitation", "patient", "need invited", "need declined"),
    Step("pools.set_preferences", "patient", "need invited, agreed or pooled", "the same, with weights"),
    Step("pools.leave", "patient", "need agreed or pooled", "need left; money released"),
    Step("tenders.delete_draft", "broker", "tender draft", "tender deleted; plan lines free for another pool"),
    Step("tenders.draft_ran_out", "scheduler", "tender draft, left lying", "tender deleted; plan lines free"),
    Step("tenders.publish_tender", "broker", "tender draft", "tender open; money reserved; policy frozen"),
    Step("amendments.clarify", "broker", "tender open", "the same, explained"),
    Step("amendments.extend", "broker", "tender open", "tender open for longer"),
    Step("amendments.change", "broker", "tender open", "a new version; offers and consents void; everybody asked anew"),
    Step("amendments.ask", "provider", "tender open", "question, anonymous and public"),
    Step("amendments.answer", "broker", "question", "answer, public"),
    Step("tenders.withdraw_tender", "broker", "tender open", "tender withdrawn; money released"),
    Step("offers.submit_offer", "provider", "tender open", "offer sealed"),
    Step("offers.withdraw_offer", "provider", "offer sealed", "offer withdrawn"),
    Step("tenders.close_tender", "scheduler or broker", "tender open", "tender closed, offers opened; or unsuccessful"),
    Step("rounds.run_round", "broker", "tender closed", "tender matching, then proposed, unsuccessful, or closed"),
    Step("studies.ask_study", "broker", "offers opened", "the same, scenarios compared for information"),
    Step("studies.ask_preview", "broker", "tender draft", "the same, its policy tried on the last similar tender"),
    Step("cancellations.admit_error", "provider", "tender closed", "its own offer left out"),
    Step(
        "cancellations.exclude_offer",
        "broker",
        "tender closed or proposed",
        "an offer left out, for recorded grounds; whose match counts no longer is told",
    ),
    Step("cancellations.cancel", "broker or commissioner", "offers opened", "tender or lot cancelled; money released"),
    Step("cancellations.draft_successor", "broker", "ended without an award", "a new draft"),
    Step("tenders.match_ran_out", "scheduler", "tender closed", "tender unsuccessful; money released"),
    Step("awards.accept_match", "patient", "match proposed", "match accepted"),
    Step("awards.decline_match", "patient", "match proposed", "match declined; money released"),
    Step("rematch.run_rematch", "broker", "tender proposed, with refusals", "tender matching, then proposed"),
    Step("awards.answer_by_default", "scheduler", "match proposed", "match accepted or declined, as chosen"),
    Step("awards.waive_minimum", "provider", "award below its minimum", "award stands"),
    Step("awards.confirm_award", "broker", "tender proposed", "tender standstill, or unsuccessful"),
    Step("awards.confirm_ran_out", "scheduler", "tender proposed", "tender unsuccessful; money released"),
    Step("reviews.represent", "provider", "tender standstill", "tender under_review"),
    Step(
        "reviews.decide",
        "commissioner (another person)",
        "tender under_review",
        "standstill, a new round, or cancelled; who objected is told, and whose match counts no longer",
    ),
    Step("reviews.review_ran_out", "scheduler", "tender under_review", "tender cancelled; money released"),
    Step("auditors.name_auditor", "commissioner", "tender published", "somebody who may check its round in full"),
    Step("auditors.strike_off", "commissioner", "auditor named", "nothing more handed out to them; noted"),
    Step("auditors.hand_out", "commissioner", "result published, auditor named", "the round's file with them; noted"),
    Step("standstill.end_standstill", "scheduler", "tender standstill", "tender awarded; contracts offered"),
    Step(
        "contracts.sign_contract",
        "patient, provider and holder",
        "contract offered",
        "contract signed; charge committed",
    ),
    Step("contracts.let_lapse", "scheduler", "contract offered", "contract ended; money released"),
    Step(
        "contracts.end_early",
        "any party to it",
        "contract in force",
        "contract ended; the rest of the charge available",
    ),
    Step("contracts.run_out", "scheduler", "contract in force", "completed or ended; money released"),
    Step("deliveries.record_delivery", "provider", "contract signed", "contract in_delivery; delivery recorded"),
    Step("delivery_files.record_all", "provider", "contracts signed", "deliveries recorded: all of a file or none"),
    Step("deliveries.confirm_delivery", "patient", "delivery recorded", "delivery confirmed; payment due"),
    Step("deliveries.dispute_delivery", "patient", "delivery recorded", "delivery disputed"),
    Step("deliveries.confirm_by_silence", "scheduler", "delivery recorded", "delivery confirmed; payment due"),
    Step("payments.prepare_run", "whoever holds the money", "payment due", "with the bank"),
    Step("payments.post_back", "whoever holds the money", "with the bank", "paid, or due again"),
    Step("ratings.rate", "patient", "something delivered", "rated"),
    Step("ratings.keep_back", "patient", "rated, in words for the provider too", "words for the commissioner only"),
    Step("settlements.pay_provider", "commissioner, holder or patient", "payment due", "paid"),
    Step("settlements.pay_all", "patient", "payments due to several providers", "all paid, or none"),
    Step(
        "funds.refund",
        "provider or commissioner",
        "delivery confirmed or paid",
        "delivery refunded; units to be delivered anew, or money available",
    ),
)
