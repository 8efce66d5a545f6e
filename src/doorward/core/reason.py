"""Stable words of the why: `Reason` is fine (ledger, explain, metrics), `Code` coarse (told to the caller).

Both are public interface; tests freeze the lists. Source: architecture.md 2.7, answers.md section 1.
"""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """The public code: suffix of the problem type."""

    AUTHENTICATION_REQUIRED = "authentication-required"
    SESSION_EXPIRED = "session-expired"
    INVALID_TOKEN = "invalid-token"  # noqa: S105 - a code, not a secret
    INVALID_CREDENTIALS = "invalid-credentials"
    MALFORMED_CREDENTIALS = "malformed-credentials"
    ACCESS_DENIED = "access-denied"
    INSUFFICIENT_SCOPE = "insufficient-scope"
    STEP_UP_REQUIRED = "step-up-required"
    REQUEST_BLOCKED = "request-blocked"
    CSRF_FAILED = "csrf-failed"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    QUOTA_EXCEEDED = "quota-exceeded"
    AUTHORIZATION_UNAVAILABLE = "authorization-unavailable"
    UPSTREAM_UNAVAILABLE = "upstream-unavailable"
    MALFORMED_REQUEST = "malformed-request"
    REQUEST_TOO_LARGE = "request-too-large"
    TOO_EARLY = "too-early"
    TLS_REQUIRED = "tls-required"
    UNSUPPORTED_CONTENT = "unsupported-content"
    INTERNAL_ERROR = "internal-error"


class Reason(StrEnum):
    """The fine why. Many reasons share one public code."""

    ALLOWED = "allowed"
    CREDENTIALS_MISSING = "credentials-missing"
    SCHEME_UNSUPPORTED = "scheme-unsupported"
    SESSION_EXPIRED = "session-expired"
    SESSION_REVOKED = "session-revoked"
    TOKEN_EXPIRED = "token-expired"  # noqa: S105 - a code, not a secret
    TOKEN_SIGNATURE = "token-signature"  # noqa: S105 - a code, not a secret
    TOKEN_ISSUER = "token-issuer"  # noqa: S105 - a code, not a secret
    TOKEN_AUDIENCE = "token-audience"  # noqa: S105 - a code, not a secret
    TOKEN_REVOKED = "token-revoked"  # noqa: S105 - a code, not a secret
    TOKEN_TYPE = "token-type"  # noqa: S105 - a code, not a secret
    TOKEN_CONTENT = "token-content"  # noqa: S105 - a code, not a secret
    TOKEN_SUBJECT = "token-subject"  # noqa: S105 - a code, not a secret
    KEY_UNKNOWN = "key-unknown"
    PASSWORD_WRONG = "password-wrong"  # noqa: S105 - a code, not a secret
    ACCOUNT_UNKNOWN = "account-unknown"
    ACCOUNT_DISABLED = "account-disabled"
    API_KEY_INVALID = "api-key-invalid"
    BASIC_MALFORMED = "basic-malformed"
    CREDENTIALS_AMBIGUOUS = "credentials-ambiguous"
    CREDENTIALS_UNPARSABLE = "credentials-unparsable"
    ROLE_MISSING = "role-missing"
    GRANT_MISSING = "grant-missing"
    NOT_OWNER = "not-owner"
    NOBODY_MAY = "nobody-may"
    SCOPE_MISSING = "scope-missing"
    LOGIN_TOO_OLD = "login-too-old"
    NETWORK_BLOCKED = "network-blocked"
    OUTSIDE_HOURS = "outside-hours"
    CSRF_MISSING = "csrf-missing"
    CSRF_MISMATCH = "csrf-mismatch"
    ORIGIN_FOREIGN = "origin-foreign"
    PATH_UNNAMED = "path-unnamed"
    CONCEALED = "concealed"
    SENSITIVE_FILE = "sensitive-file"
    METHOD_UNCLAIMED = "method-unclaimed"
    METHOD_REFUSED = "method-refused"
    RATE_EXCEEDED = "rate-exceeded"
    LOCKED_OUT = "locked-out"
    DEPENDENCY_DOWN = "dependency-down"
    LEDGER_REQUIRED = "ledger-required"
    HASHING_BUSY = "hashing-busy"
    STORE_UNWRITABLE = "store-unwritable"
    UPSTREAM_DOWN = "upstream-down"
    PATH_AMBIGUOUS = "path-ambiguous"
    HOST_BAD = "host-bad"
    HOST_FOREIGN = "host-foreign"
    FRAMING_BAD = "framing-bad"
    FORWARDING_BAD = "forwarding-bad"
    HEAD_TOO_LARGE = "head-too-large"
    TARGET_TOO_LARGE = "target-too-large"
    BODY_TOO_LARGE = "body-too-large"
    EARLY_DATA = "early-data"
    TLS_REQUIRED = "tls-required"
    CONTENT_UNSUPPORTED = "content-unsupported"
    PEER_UNTRUSTED = "untrusted-peer"
    ORIGINAL_TARGET_MISSING = "missing-original-target"
    BUG = "internal-error"


CODES: dict[Reason, Code] = {
    Reason.CREDENTIALS_MISSING: Code.AUTHENTICATION_REQUIRED,
    Reason.SCHEME_UNSUPPORTED: Code.AUTHENTICATION_REQUIRED,
    Reason.SESSION_EXPIRED: Code.SESSION_EXPIRED,
    Reason.SESSION_REVOKED: Code.SESSION_EXPIRED,
    Reason.TOKEN_EXPIRED: Code.INVALID_TOKEN,
    Reason.TOKEN_SIGNATURE: Code.INVALID_TOKEN,
    Reason.TOKEN_ISSUER: Code.INVALID_TOKEN,
    Reason.TOKEN_AUDIENCE: Code.INVALID_TOKEN,
    Reason.TOKEN_REVOKED: Code.INVALID_TOKEN,
    Reason.TOKEN_TYPE: Code.INVALID_TOKEN,
    Reason.TOKEN_CONTENT: Code.INVALID_TOKEN,
    Reason.TOKEN_SUBJECT: Code.INVALID_TOKEN,
    Reason.KEY_UNKNOWN: Code.INVALID_TOKEN,
    Reason.PASSWORD_WRONG: Code.INVALID_CREDENTIALS,
    Reason.ACCOUNT_UNKNOWN: Code.INVALID_CREDENTIALS,
    Reason.ACCOUNT_DISABLED: Code.INVALID_CREDENTIALS,
    Reason.API_KEY_INVALID: Code.INVALID_CREDENTIALS,
    Reason.BASIC_MALFORMED: Code.INVALID_CREDENTIALS,
    Reason.CREDENTIALS_AMBIGUOUS: Code.MALFORMED_CREDENTIALS,
    Reason.CREDENTIALS_UNPARSABLE: Code.MALFORMED_CREDENTIALS,
    Reason.ROLE_MISSING: Code.ACCESS_DENIED,
    Reason.GRANT_MISSING: Code.ACCESS_DENIED,
    Reason.NOT_OWNER: Code.ACCESS_DENIED,
    Reason.NOBODY_MAY: Code.ACCESS_DENIED,
    Reason.PEER_UNTRUSTED: Code.ACCESS_DENIED,
    Reason.SCOPE_MISSING: Code.INSUFFICIENT_SCOPE,
    Reason.LOGIN_TOO_OLD: Code.STEP_UP_REQUIRED,
    Reason.NETWORK_BLOCKED: Code.REQUEST_BLOCKED,
    Reason.OUTSIDE_HOURS: Code.REQUEST_BLOCKED,
    Reason.CSRF_MISSING: Code.CSRF_FAILED,
    Reason.CSRF_MISMATCH: Code.CSRF_FAILED,
    Reason.ORIGIN_FOREIGN: Code.CSRF_FAILED,
    Reason.PATH_UNNAMED: Code.NOT_FOUND,
    Reason.CONCEALED: Code.NOT_FOUND,
    Reason.SENSITIVE_FILE: Code.NOT_FOUND,
    Reason.METHOD_UNCLAIMED: Code.METHOD_NOT_ALLOWED,
    Reason.METHOD_REFUSED: Code.METHOD_NOT_ALLOWED,
    Reason.RATE_EXCEEDED: Code.QUOTA_EXCEEDED,
    Reason.LOCKED_OUT: Code.QUOTA_EXCEEDED,
    Reason.DEPENDENCY_DOWN: Code.AUTHORIZATION_UNAVAILABLE,
    Reason.LEDGER_REQUIRED: Code.AUTHORIZATION_UNAVAILABLE,
    Reason.HASHING_BUSY: Code.AUTHORIZATION_UNAVAILABLE,
    Reason.STORE_UNWRITABLE: Code.AUTHORIZATION_UNAVAILABLE,
    Reason.UPSTREAM_DOWN: Code.UPSTREAM_UNAVAILABLE,
    Reason.PATH_AMBIGUOUS: Code.MALFORMED_REQUEST,
    Reason.HOST_BAD: Code.MALFORMED_REQUEST,
    Reason.HOST_FOREIGN: Code.MALFORMED_REQUEST,
    Reason.FRAMING_BAD: Code.MALFORMED_REQUEST,
    Reason.FORWARDING_BAD: Code.MALFORMED_REQUEST,
    Reason.ORIGINAL_TARGET_MISSING: Code.MALFORMED_REQUEST,
    Reason.HEAD_TOO_LARGE: Code.REQUEST_TOO_LARGE,
    Reason.TARGET_TOO_LARGE: Code.REQUEST_TOO_LARGE,
    Reason.BODY_TOO_LARGE: Code.REQUEST_TOO_LARGE,
    Reason.EARLY_DATA: Code.TOO_EARLY,
    Reason.TLS_REQUIRED: Code.TLS_REQUIRED,
    Reason.CONTENT_UNSUPPORTED: Code.UNSUPPORTED_CONTENT,
    Reason.BUG: Code.INTERNAL_ERROR,
}


def code(reason: Reason) -> Code:
    """The public code of a reason. Raises KeyError for ALLOWED, which is no refusal."""
    return CODES[reason]
