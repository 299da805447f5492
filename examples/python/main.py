"""Prints what two users get, and again whenever that changes."""

import os
import time

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

USERS = [
    EvaluationContext("user-123"),
    EvaluationContext("anna", {"country": "DE"}),
]


def main() -> None:
    edge = os.environ.get("HALYARD_EDGE", "http://localhost:8788")
    headers = {"Authorization": f"Bearer {os.environ['HALYARD_KEY']}"}
    api.set_provider(OFREPProvider(edge, headers_factory=lambda: headers))
    client = api.get_client()
    shown: dict[str, str] = {}
    while True:
        for user in USERS:
            checkout = client.get_boolean_value("new-checkout", False, user)
            theme = client.get_string_value("checkout-theme", "classic", user)
            line = f"{user.targeting_key} new-checkout={str(checkout).lower()} checkout-theme={theme}"
            if shown.get(user.targeting_key) != line:
                shown[user.targeting_key] = line
                print(line, flush=True)
        time.sleep(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
