"""Step ten: what has fallen due is paid."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.budgets import Budget
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus
from marketplace.records.ledger import AccountKind, Posting, TransferKind, post
from marketplace.records.outbox import tell
from marketplace.rules.clock import Instant
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor, Role, check_role


def pay_provider(session: Session, now: Instant, actor: Actor, provider_id: str) -> Pence:
    """Payable -> paid: every confirmed delivery of this provider that this commissioner funds. Returns the sum.

    Paying twice pays nothing the second time: each delivery is paid once, under a key of its own.
    """
    check_role(actor, Role.COMMISSIONER)
    deliveries = session.scalars(
        select(Delivery)
        .join(Delivery.contract)
        .join(Budget, Budget.id == Contract.budget_id)
        .where(
            Contract.provider_id == provider_id,
            Budget.commissioner_id == actor.party_id,
            Delivery.status == DeliveryStatus.CONFIRMED,
        )
        .order_by(Delivery.id)
        .with_for_update(of=Delivery)
    ).all()
    paid_pence = 0
    for delivery in deliveries:
        if delivery.due_pence:
            posting = Posting(
                key=f"pay:{delivery.id}",
                kind=TransferKind.PAY,
                source=(AccountKind.PAYABLE, provider_id),
                target=(AccountKind.PAID, provider_id),
                amount_pence=delivery.due_pence,
                about_id=delivery.id,
                reason="Payment for a confirmed delivery",
            )
            post(session, now, actor.user_id, posting)
            paid_pence += delivery.due_pence
        delivery.status = DeliveryStatus.PAID
        delivery.paid_at = now
    if deliveries:
        audit.append(
            session, now, actor, "provider.paid", provider_id, deliveries=len(deliveries), paid_pence=paid_pence
        )
        tell(session, now, [provider_id], "payment_made", provider_id)
    return paid_pence
