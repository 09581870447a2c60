import json, pytest
from tests.pipeline.company import NOW, define, event, members, order, told
from pusula.pipeline import live, queries
from pusula.pipeline.appender import Entry
from pusula.lib import clock
from pusula.segments import evaluate, rebuild
from pusula.segments.models import Due
from pusula.profiles.models import TraitKind
pytestmark = pytest.mark.django_db(databases=["default", "log"])
WHO={"email":"x@example.com"}
from pusula.pipeline import entries as E_
BIG=10**15; LA=E_._LAST_AT; FA=E_._FIRST_AT
CASES={
 "event min": event(1,"x@example.com",at=FA),
 "event 9999": event(1,"x@example.com",at=LA),
 "order max": order(1,"x@example.com",5,LA),
 "order min": order(1,"x@example.com",5,FA),
 "order net max": order(1,"x@example.com",BIG,NOW-5),
 "status_at max": order(1,"x@example.com",5,NOW-5,status_at=LA),
 "status_at min": order(1,"x@example.com",5,NOW-5,status_at=FA),
 "cancel max": order(1,"x@example.com",5,NOW-5,status="cancelled",cancelled_at=LA),
 "days 9999": order(1,"x@example.com",5,NOW-5,status="confirmed",starts_on="2100-12-30",ends_on="2100-12-31"),
 "days 0001": order(1,"x@example.com",5,NOW-5,status="confirmed",starts_on="1900-01-01",ends_on="1900-01-01"),
 "days 0001c": order(1,"x@example.com",5,NOW-5,status="completed",starts_on="1900-01-01",ends_on="1900-01-01"),
 "days 9999c": order(1,"x@example.com",5,NOW-5,status="completed",starts_on="2100-12-31",ends_on="2100-12-31"),
 "born 9999": Entry("trait","crm","crm:1",json.dumps({"key":"7","traits":{"born":{"day":"2100-12-31"},"n":1e308}})),
 "born 0001": Entry("trait","crm","crm:1",json.dumps({"key":"7","traits":{"born":{"day":"1900-01-01"},"n":-1e308}})),
 "qty": order(1,"x@example.com",BIG,NOW-5,items=[{"line_no":1,"sku":"a","quantity":2**31-1,"amount_minor":BIG},{"line_no":2,"sku":"a","quantity":2**31-1,"amount_minor":BIG}]),
 "fx": order(1,"x@example.com",5,NOW-5,currency="EUR",net_base_minor=BIG,gross_base_minor=BIG,gross_minor=1,items=[{"line_no":1,"amount_minor":BIG}]),
}
DEFS={
 "stay": {"orders":{"count":{"at_least":1},"where":{"status":{"is":"completed"}}}},
 "ends": {"orders":{"count":{"at_least":1},"within":{"last":"30 days"},"by":"ends_on"}},
 "endsn": {"orders":{"count":{"at_least":1},"within":{"next":"30 days"},"by":"starts_on"}},
 "bday": {"trait":{"born":{"anniversary":{"next":"7 days"}}}},
 "basket": {"orders":{"sum":"net_amount","is":{"at_least":"1000 TRY"}}},
 "items": {"items":{"sum":"amount","is":{"at_least":"10 TRY"}}},
 "last": {"orders":{"count":{"at_least":1},"within":{"last":"12 months"}}},
 "gap": {"orders":{"usual_gap":{"at_most":100}}},
 "over": {"orders":{"overdue":{"at_least":2}}},
 "latest": {"orders":{"latest":"ordered_at","is":{"last":"30 days"}}},
}
@pytest.mark.parametrize("name",CASES)
def test_x(company,name):
    from pusula.profiles import actions as p
    told(Entry("trait","crm","crm:0",json.dumps({"key":"8","traits":{"born":{"day":"1990-05-01"}}})))
    live.step(at=clock.now()+5)
    for k,w in DEFS.items():
        try: define(k,w)
        except Exception as e: print("DEF",k,e)
    rebuild.everybody(at=clock.now()+6)
    told(CASES[name], event(2,"ali@example.com"))
    s=live.step(at=clock.now()+clock.SECOND)
    print(name, s.n_quarantined, [q.reason for q in queries.quarantined()], "putoff", s.n_put_off)
    print(list(Due.objects.values_list("due_at",flat=True)), {k:members(k) for k in DEFS if k in DEFS})
    assert s.n_put_off==0
    for n in range(4):
        s2=live.step(at=s.at+clock.SECOND*(n+1)); print("again",s2.n_due,s2.n_put_off)
    o=rebuild.everybody(at=s.at+clock.SECOND*10)
    print("rebuild", {k:(m.n_entered,m.n_left) for k,m in o.moves.items() if m.n_entered or m.n_left})
