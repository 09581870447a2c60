import cProfile, pstats
from tests.journeys.test_replays import *
from pusula.journeys import backtest as b
def test_p(shared_data, pusula, reachable, tmp_path, monkeypatch):
    orig=b.together; n=[0]
    def prof(*a,**k):
        p=cProfile.Profile(); p.enable()
        try: return orig(*a,**k)
        finally:
            p.disable(); n[0]+=1
            if n[0]==1:
                s=pstats.Stats(p); s.sort_stats('tottime').print_stats(30); s.sort_stats('cumtime').print_stats(45)
                raise SystemExit
    monkeypatch.setattr(b,'together',prof)
    test_seven_journeys_of_a_gift_shop_send_what_the_reference_sends(shared_data, pusula, reachable, tmp_path)
