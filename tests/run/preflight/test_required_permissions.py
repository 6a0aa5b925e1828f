import yaml

from conformance.base.locations import ROOT
from conformance.run.preflight.required_permissions import PERMISSIONS, reviews, role_objects

ROLE_FILE = ROOT / "clusters" / "existing" / "role.yaml"


def test_the_role_file_grants_what_the_table_lists_and_no_more() -> None:
    assert tuple(yaml.safe_load_all(ROLE_FILE.read_text(encoding="utf-8"))) == role_objects()


def test_the_role_has_no_wildcards_and_reads_no_secrets() -> None:
    rules = [rule for value in role_objects() for rule in value.get("rules", ())]
    assert rules
    for rule in rules:
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert "secrets" not in rule["resources"]
        assert not {"update", "deletecollection", "escalate", "bind", "impersonate"} & set(rule["verbs"])


def test_configuration_is_read_by_name_only() -> None:
    configuration = [entry for entry in PERMISSIONS if entry.resource == "configmaps"]
    assert configuration
    for entry in configuration:
        assert entry.names
        assert entry.namespace
        assert entry.verbs == ("get",)


def test_every_verb_and_name_is_reviewed_once() -> None:
    found = [tuple(sorted(attributes.items())) for _, attributes in reviews()]
    assert len(set(found)) == len(found) == sum(len(entry.verbs) * max(1, len(entry.names)) for entry in PERMISSIONS)
