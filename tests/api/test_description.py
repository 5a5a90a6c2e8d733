"""What the description says of our own resources that their code does not."""

from __future__ import annotations

from bridge.api import complete
from tests.api.world import World


async def test_our_own_resources_say_how_their_key_is_sent_and_which_errors_they_have(world: World) -> None:
    schema = world.app.openapi()
    complete(schema)

    operation = schema["paths"]["/api/v1/orders/{order_id}"]["get"]
    assert operation["security"] == [{"bearer": []}, {"header": []}]
    assert set(operation["responses"]) == {"200", "400", "401", "403", "404", "429", "503"}
    assert set(schema["components"]["securitySchemes"]) == {"bearer", "header"}


async def test_endpoints_of_openalgo_keep_the_key_in_their_bodies(world: World) -> None:
    schema = world.app.openapi()
    complete(schema)

    operation = schema["paths"]["/api/v1/ping"]["post"]
    assert "security" not in operation
    assert "apikey" in operation["requestBody"]["content"]["application/json"]["schema"]["required"]
