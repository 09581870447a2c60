import pytest
@pytest.mark.parametrize("name", ["segment","rudder"])
def test_dbg(name, page, errors, shop, installation, source):
    page.on("console", lambda l: print("CONSOLE", l.type, l.text[:300]))
    page.on("request", lambda r: print("REQ", r.method, r.url[:120]))
    page.on("response", lambda r: print("RES", r.status, r.url[:120]))
    page.goto(shop.page(name, url=installation.url, key=source.write))
    page.wait_for_timeout(5000)
    print("ERR", errors, len(installation.told(source.slug)))
