"""Signs in for the tests of the interface, which would otherwise see nothing but 401, and notices if that ends."""

import os

import requests
import schemathesis

# Every value of the header under which this run was signed in.
SIGNED_IN = set()


# Once for the whole run: an account has only so many sessions, and the oldest end when there are more.
@schemathesis.auth(refresh_interval=24 * 3600)
class Administrator:
    def get(self, case, context):
        login = {"login": os.environ["PLENARY_ADMIN"], "password": os.environ["PLENARY_PASSWORD"]}
        answer = requests.post(f"{os.environ['PLENARY_URL']}/api/v1/session", json=login, timeout=30)
        answer.raise_for_status()
        header = f"Bearer {answer.json()['token']}"
        SIGNED_IN.add(header)
        return header

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = data


@schemathesis.check
def stays_signed_in(ctx, response, case):
    """A run that is not signed in finds nothing and would pass."""
    sent = response.request.headers.get("Authorization")
    # The answer to a wrong password is 401 too.
    if response.status_code == 401 and sent in SIGNED_IN and case.operation.label != "POST /api/v1/session":
        raise AssertionError("A session that nobody ended does not count; the rest of the run would find nothing")
