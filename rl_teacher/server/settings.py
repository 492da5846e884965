"""Django's settings as a function of the data folder; the only place of the server that reads the environment."""

import hashlib
import os
import sqlite3
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from rl_teacher.errors import ConfigError
from rl_teacher.server.data_folder import DataFolder

PACKAGE = Path(__file__).parent
SHORTEST_KEY = 32
MOST_CONNECTIONS = 16
"""To PostgreSQL, of one process; more requests at the same moment wait for each other."""
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """What a start of the server can choose."""

    folder: DataFolder
    port: int = 8000
    hosts: tuple[str, ...] = LOOPBACK_HOSTS
    """Names under which browsers may address the server."""
    behind_proxy: bool = False
    """Whether a TLS proxy in front is trusted."""
    share_url: str = ""
    """Where other people's browsers reach the server, base path included; empty: not known, or nobody else does."""
    database_url: str = ""
    """postgres://user:password@host:port/name; empty: SQLite in the data folder."""
    blobs: str = ""
    """s3://bucket/prefix, gs://bucket/prefix or az://container/prefix of clips and arrays; empty: the data folder."""
    media: str = "proxy"
    """How browsers get clips from there: `proxy`, through this server, or `redirect`, by signed addresses."""
    journal_mode: str = field(default_factory=lambda: safe_journal_mode())
    media_expiry_h: int = 6
    base_path: str = ""
    """The path of another site under which the server lives, such as /teach; empty: it has a host of its own."""
    given_secret_key: str = field(default="", repr=False)
    """The same for all processes on one database; empty: the one in the data folder."""
    has_local_owner: bool = True
    """Whether this machine's owner comes in by a printed link, and its trainers by trainer.token."""

    @property
    def secret_key(self) -> str:
        """What signs sessions and addresses of clips."""
        return self.given_secret_key or self.folder.secret_key()

    @property
    def cookie_suffix(self) -> str:
        """Tells this server's cookies from those of another one of the same host name: browsers know no ports.

        With PostgreSQL several processes, each on a port of its own, may be one server; they share the secret key.
        """
        if not self.database_url:
            return str(self.port)
        return hashlib.sha256(b"cookies of " + self.secret_key.encode()).hexdigest()[:8]


def default_data_dir() -> Path:
    """~/rl-teacher/feedback unless RL_TEACHER_FEEDBACK_DIR names another folder."""
    return Path(os.environ.get("RL_TEACHER_FEEDBACK_DIR") or Path.home() / "rl-teacher" / "feedback")


def given_trainer_token() -> str | None:
    """The token that the trainer which started us wants to use."""
    return os.environ.get("RL_TEACHER_TRAINER_TOKEN") or None


def given_database_url() -> str:
    """The PostgreSQL to use, if any."""
    return os.environ.get("RL_TEACHER_DATABASE_URL", "")


def given_blobs() -> str:
    """The object store to use, if any."""
    return os.environ.get("RL_TEACHER_BLOBS", "")


def csp(media_origin: str) -> str:
    """What pages may load, from here and, where clips are there, from an object store."""
    if not media_origin:
        return CSP
    found = CSP.replace("media-src 'self' blob:", f"media-src 'self' blob: {media_origin}")
    return found.replace("connect-src 'self'", f"connect-src 'self' {media_origin}")


def given_secret_key() -> str:
    """The secret key that several processes share, from RL_TEACHER_SECRET_KEY or the file RL_TEACHER_SECRET_KEY_FILE.

    Raises:
        ConfigError: the file cannot be read, or the key could be guessed.
    """
    key, name = os.environ.get("RL_TEACHER_SECRET_KEY", "").strip(), "RL_TEACHER_SECRET_KEY"
    if not key and (path := os.environ.get("RL_TEACHER_SECRET_KEY_FILE")):
        name = f"RL_TEACHER_SECRET_KEY_FILE {path}"
        try:
            key = Path(path).read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{name}: cannot be read ({error}); expected a file with the secret key.") from error
    elif not key:
        return ""
    if len(key) < SHORTEST_KEY:
        raise ConfigError(
            f"{name}: got {len(key)} characters, expected at least {SHORTEST_KEY} that nobody can guess. "
            """Make one: python -c 'import secrets; print(secrets.token_urlsafe(48))'."""
        )
    return key


def has_local_owner() -> bool:
    """Whether this machine's owner comes in by a printed link, and its trainers by trainer.token."""
    return os.environ.get("RL_TEACHER_NO_LOCAL_OWNER", "") in ("", "0")


def safe_journal_mode(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> str:
    """WAL where SQLite's WAL-reset bug is fixed, else TRUNCATE."""
    fixed = (version >= (3, 51, 3) and version[:2] != (3, 52)) or any(
        version[:2] == base[:2] and version >= base for base in ((3, 50, 7), (3, 44, 6))
    )
    return "WAL" if fixed else "TRUNCATE"


def static_folders() -> list[Path]:
    """Folders whose files are served under STATIC_URL, ours first."""
    folders = [PACKAGE / "static"]
    for package, inner in (("django", "contrib/admin/static"), ("ninja", "static")):
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            folders.append(Path(spec.origin).parent / inner)
    return [folder for folder in folders if folder.is_dir()]


def static_digest() -> str:
    """One digest over all static files: when one of them changes, all their URLs do."""
    digest = hashlib.sha256()
    for folder in static_folders():
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                digest.update(str(path.relative_to(folder)).encode())
                digest.update(path.read_bytes() if folder.parent == PACKAGE else str(path.stat().st_size).encode())
    return digest.hexdigest()[:16]


def _sqlite(config: ServerConfig) -> dict[str, Any]:
    pragmas = (
        f"PRAGMA journal_mode={config.journal_mode}; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864;"
        "PRAGMA cache_size=-20000; PRAGMA temp_store=MEMORY"
    )
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(config.folder.database),
        "CONN_MAX_AGE": None,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": pragmas},
    }


def _postgres(url: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        port = str(parts.port or "")
    except ValueError as error:
        raise ConfigError(f"--database-url: {error}; expected postgres://user:password@host:port/name.") from error
    if parts.scheme not in ("postgres", "postgresql") or not parts.path.strip("/"):
        raise ConfigError(
            f"--database-url: got scheme {parts.scheme!r}, expected postgres://user:password@host:port/name."
        )
    return {
        "ENGINE": "rl_teacher.server.lively_postgres",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": port,
        "CONN_MAX_AGE": 0,  # the pool keeps them
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {
            "pool": {"min_size": 2, "max_size": MOST_CONNECTIONS, "timeout": 10},
            "prepare_threshold": 0,  # for those of transactions/statements.py; Django's own are not prepared
            "options": "-c plan_cache_mode=force_generic_plan",  # all of them look for keys
        },
    }


def _origins(hosts: tuple[str, ...]) -> list[str]:
    """Where forms may come from; a name that begins with a dot means all below it."""
    return [f"https://{'*' if host.startswith('.') else ''}{host}" for host in hosts if host not in LOOPBACK_HOSTS]


def make_settings(config: ServerConfig) -> dict[str, Any]:
    """Everything Django wants to know."""
    templates = {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [str(PACKAGE / "templates")],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "rl_teacher.server.pages.context.everywhere",
            ]
        },
    }
    https = config.behind_proxy
    return {
        "RL_TEACHER": config,
        "DATA": config.folder,
        "DEBUG": False,
        "SECRET_KEY": config.secret_key,
        "ALLOWED_HOSTS": list(config.hosts),
        "DATABASES": {"default": _postgres(config.database_url) if config.database_url else _sqlite(config)},
        "INSTALLED_APPS": [
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            "ninja",
            "rl_teacher.server.app.FeedbackConfig",
        ],
        "MIDDLEWARE": [
            "django.middleware.security.SecurityMiddleware",
            "rl_teacher.server.problems.ProblemMiddleware",
            *(["rl_teacher.server.database_errors.DatabaseMiddleware"] if config.database_url else []),
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "rl_teacher.server.signed_in.UserMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        "TEMPLATES": [templates],
        "ROOT_URLCONF": "rl_teacher.server.urls",
        "FORCE_SCRIPT_NAME": config.base_path or None,
        "STATIC_URL": f"{config.base_path}/static/{static_digest()}/",
        "STATICFILES_DIRS": [str(PACKAGE / "static")],
        "AUTH_USER_MODEL": "feedback.User",
        "AUTH_PASSWORD_VALIDATORS": [
            {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
            {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
        ],
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.Argon2PasswordHasher"],
        "LOGIN_URL": f"{config.base_path}/login",
        "LOGIN_REDIRECT_URL": f"{config.base_path}/",
        "SESSION_ENGINE": "rl_teacher.server.signed_in",
        "SESSION_COOKIE_NAME": f"rl_teacher_session_{config.cookie_suffix}",
        "SESSION_COOKIE_PATH": config.base_path or "/",
        "SESSION_COOKIE_AGE": 30 * 24 * 3600,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": https,
        "CSRF_COOKIE_NAME": f"rl_teacher_csrf_{config.cookie_suffix}",
        "CSRF_COOKIE_PATH": config.base_path or "/",
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SECURE": https,
        "CSRF_FAILURE_VIEW": "rl_teacher.server.problems.csrf_failed",
        "CSRF_TRUSTED_ORIGINS": _origins(config.hosts) if https else [],
        "MESSAGE_STORAGE": "django.contrib.messages.storage.session.SessionStorage",
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "same-origin",
        "SECURE_HSTS_SECONDS": 365 * 24 * 3600 if https else 0,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": https,
        "SECURE_HSTS_PRELOAD": https,
        "SECURE_SSL_REDIRECT": False,
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if https else None,
        "X_FRAME_OPTIONS": "DENY",
        "DATA_UPLOAD_MAX_MEMORY_SIZE": 1024 * 1024,
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "USE_I18N": True,
        "LANGUAGE_CODE": "en-us",
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "SILENCED_SYSTEM_CHECKS": ["security.W008"],  # no redirect to https: the proxy does that
        "LOGGING": {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"no_secrets": {"()": "rl_teacher.server.logs.NoSecrets"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "filters": ["no_secrets"]}},
            "loggers": {
                "django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
                "django.request": {"level": "ERROR"},  # refusals are the caller's business
                "django.security": {"level": "ERROR"},
                "rl_teacher.server": {"handlers": ["stderr"], "level": "INFO"},
            },
        },
    }


def configure(config: ServerConfig) -> None:
    """Set Django up, once per process."""
    import django
    from django.conf import settings

    settings.configure(**make_settings(config))
    django.setup()
