"""shots of call pages"""
import pytest
from tests.browser.test_pages import LOOKS, AXE
pytestmark=[]
PAGES={"calls":"/tasks/","calls-all":"/tasks/+all/?state=due","calls-lists":"/tasks/+lists/","approvals":"/tasks/+approvals/"}
@pytest.mark.parametrize("lang",["tr","en"])
def test_shots(desk, world, lang):
    for look,(size,scheme) in LOOKS.items():
        desk.set_viewport_size(size); desk.emulate_media(color_scheme=scheme)
        desk.context.add_cookies([{"name":"django_language","value":lang,"url":world.url}])
        for name,path in PAGES.items():
            r=desk.goto(world.url+path); 
            desk.wait_for_timeout(150)
            w=desk.evaluate("document.documentElement.scrollWidth")
            f=AXE.run(desk)
            print(lang,look,name,r.status,w,size["width"],f.violations_count, f.generate_report()[:800] if f.violations_count else "")
            desk.screenshot(path=f"/tmp/shots/h-{name}-{lang}-{look}.png",full_page=True)
