"""A broker's fee: agreed by the commissioner, read by everybody, earned, and noted as paid."""

import re

from tests.web.site import Site

FUNDER, BROKER, P1 = "funder@example.test", "broker@example.test", "p1@example.test"


def test_a_fee_from_its_agreement_to_its_payment(site: Site) -> None:
    """What the commissioner types stands on the notice, at the patient's, in both lists; the form counts once."""
    world, funder = site.world, site.client(FUNDER)
    listed = "/commissioner/broker-fees/"
    assert "No fee" in funder.get(listed).text
    agree = f"{listed}{world.broker.id}/fee"
    for typed, told in (("", "Enter an amount in pounds"), ("1,000.01", "Enter a fee up to £1,000.00")):
        refused = funder.post(agree, data={"fee_pence": typed})
        assert (refused.status_code, told in refused.text) == (422, True)
    assert funder.post(agree, data={"fee_pence": "15"}).location == listed
    world = site.fresh()
    world.proposed().accept().confirm().later(days=20).sign(1, 2)
    notice = site.client().get(f"/tenders/{world.tender.id}").text
    assert "£15.00 for each signed contract, paid by the commissioner" in notice
    own = site.client(BROKER).get("/broker/fees").text
    assert re.search(r"£30\.00</span>\s*<span[^>]*>still to be paid", own)
    funder = site.client(FUNDER)  # the sign-in of three weeks ago is over
    pay = f"{listed}{world.broker.id}/payment"
    request = re.search(r'name="request_id" value="([^"]+)"', funder.get(pay).text)
    assert request is not None
    form = {"request_id": request[1], "owed_pence": "3000"}
    refused = funder.post(pay, data={**form, "amount_pence": "30.01"})
    assert (refused.status_code, "Enter an amount up to £30.00" in refused.text) == (422, True)
    for _ in range(2):
        assert funder.post(pay, data={**form, "amount_pence": "20"}).location == listed
    late = funder.post(pay, data={"request_id": "another-form", "owed_pence": "3000", "amount_pence": "20"})
    assert (late.status_code, "What is owed has changed" in late.text) == (422, True)
    rows = funder.get(f"{listed}?export=csv").text.splitlines()
    assert rows[1:] == ["Fen Brokers,15.00,2,30.00,20.00,10.00"]
    rows = site.client(BROKER).get("/broker/fees?export=csv").text.splitlines()
    assert rows[1:] == ['"Physiotherapy, Lincoln",15.00,2,30.00']
    assert site.fresh().books_balance()


def test_a_patient_reads_who_pays_the_broker(site: Site) -> None:
    site.client(FUNDER).post(f"/commissioner/broker-fees/{site.world.broker.id}/fee", data={"fee_pence": "15"})
    told = site.client(P1).get("/patient/broker").text
    assert "The NHS pays your broker £15.00 for each signed contract. None of it comes from your budget." in told
