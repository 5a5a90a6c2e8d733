import pytest, json
from tests.orders.meaning import *
from tests.orders.conftest import *
async def test_x(open_house):
    house = await trading(open_house)
    await own(house, -1, "BTCUSDT")
    a=await tell(house, "MyKeys(BTCUSDT) {\n limit(position=0, offset=1, reduceOnly=true);\n}\n#bot")
    print(a, [dict(i) for i in house.intents()][-1])
    print([(o.side,o.price,o.state) for o in house.orders()])
async def test_kill(open_house):
    house = await trading(open_house)
    a=await tell(house, {"action":"kill"})
    print(house.rows("select enabled from strategies"))
