"""What an installation is told: files, environment, keys; and that production starts with nothing made up."""

from pathlib import Path

import pytest

from marketplace import SettingsError, load_settings

SECRETS = {
    "CAREPOOL_SECRET_KEY": "a" * 64,
    "CAREPOOL_FIELD_KEY": "b" * 64,
    "CAREPOOL_SEALING_KEY": "c" * 64,
    "CAREPOOL_DATABASE_URL": "postgresql+psycopg://carepool@/carepool",
    "CAREPOOL_TRUSTED_HOSTS": '["carepool.example"]',
}


def test_development_makes_keys_once_and_keeps_them_to_itself(tmp_path: Path) -> None:
    environ = {"CAREPOOL_VAR_DIR": str(tmp_path)}
    first, second = load_settings(environ), load_settings(environ)
    assert first["SECRET_KEY"] == second["SECRET_KEY"]
    assert len({first["SECRET_KEY"], first["FIELD_KEY"], first["SEALING_KEY"]}) == 3
    assert first["DATABASE_URL"] == f"sqlite:///{tmp_path}/carepool.sqlite"
    kept = tmp_path / "keys" / "secret_key"
    assert kept.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in kept.parent.iterdir()) == ["field_key", "sealing_key", "secret_key"]


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_production_starts_with_every_secret_or_not_at_all(tmp_path: Path, missing: str) -> None:
    told = {"CAREPOOL_ENV": "production", "CAREPOOL_VAR_DIR": str(tmp_path), **SECRETS}
    assert load_settings(told)["SESSION_COOKIE_SECURE"] is True
    del told[missing]
    with pytest.raises(SettingsError, match=missing):
        load_settings(told)
    assert not any(tmp_path.iterdir())


def test_production_gives_nobody_the_places_where_people_live(tmp_path: Path) -> None:
    """What is open on a machine with made-up people cannot be opened on a real one."""
    told = {"CAREPOOL_ENV": "production", "CAREPOOL_VAR_DIR": str(tmp_path), **SECRETS}
    assert load_settings(told)["OPEN_BUNDLES"] is False
    with pytest.raises(SettingsError, match="OPEN_BUNDLES"):
        load_settings({**told, "CAREPOOL_OPEN_BUNDLES": "true"})


def test_production_has_no_doors_for_made_up_people(tmp_path: Path) -> None:
    """The sign-in page of a real site shows nobody's account."""
    told = {"CAREPOOL_ENV": "production", "CAREPOOL_VAR_DIR": str(tmp_path), **SECRETS}
    assert load_settings(told)["DEMO_ACCOUNTS"] is False
    with pytest.raises(SettingsError, match="DEMO_ACCOUNTS"):
        load_settings({**told, "CAREPOOL_DEMO_ACCOUNTS": "true"})


def test_whoever_works_with_others_data_has_a_second_step(tmp_path: Path) -> None:
    """On a real site; not where everybody is made up, whose doors open at one press."""
    told = {"CAREPOOL_ENV": "production", "CAREPOOL_VAR_DIR": str(tmp_path), **SECRETS}
    assert load_settings(told)["SECOND_STEP_ROLES"] == ["commissioner", "broker", "provider", "holder"]
    assert load_settings({**told, "CAREPOOL_SECOND_STEP_ROLES": '["broker"]'})["SECOND_STEP_ROLES"] == ["broker"]
    assert load_settings({"CAREPOOL_VAR_DIR": str(tmp_path)})["SECOND_STEP_ROLES"] == []


def test_a_variable_has_the_type_of_its_default(tmp_path: Path) -> None:
    environ = {"CAREPOOL_VAR_DIR": str(tmp_path), "CAREPOOL_PAGE_ROWS": "20", "CAREPOOL_RATELIMIT_ENABLED": "False"}
    settings = load_settings(environ)
    assert (settings["PAGE_ROWS"], settings["RATELIMIT_ENABLED"]) == (20, False)
    with pytest.raises(SettingsError, match="CAREPOOL_PAGE_ROWS"):
        load_settings({**environ, "CAREPOOL_PAGE_ROWS": "many"})


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="CAREPOOL_CONFIG_DIR"):
        load_settings({"CAREPOOL_CONFIG_DIR": str(tmp_path)})


def test_an_unknown_environment_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"staging\.toml"):
        load_settings({"CAREPOOL_ENV": "staging", "CAREPOOL_VAR_DIR": str(tmp_path)})
