# SPDX-License-Identifier: Apache-2.0
"""What the kit accepts as a model update, and how it refuses the rest."""

from __future__ import annotations

import ddt
import testtools

from assisted_kit import update_errors as errors
from assisted_kit.driver import Hook
from assisted_kit.updates import ModelUpdate
from assisted_kit.updates import validate

BEGIN = Hook.CREATE_BEGIN
COMPLETE = Hook.CREATE_COMPLETE
DELETE_BEGIN = Hook.DELETE_BEGIN
DELETE_COMPLETE = Hook.DELETE_COMPLETE


def admin(**pairs: object) -> dict[str, object]:
    return {
        "snapshot_admin_metadata": {
            key.replace("__", ":"): value for key, value in pairs.items()
        }
    }


REFUSED = {
    "a string": (BEGIN, "available", errors.NotAMapping),
    "a list of pairs": (BEGIN, [("progress", "1%")], errors.NotAMapping),
    "an empty list": (BEGIN, [], errors.NotAMapping),
    "misspelt": (BEGIN, {"provider_locaton": "x"}, errors.UnknownKey),
    "not a string key": (BEGIN, {1: "x"}, errors.UnknownKey),
    "status": (COMPLETE, {"status": "available"}, errors.ManagersKey),
    "id": (BEGIN, {"id": "other"}, errors.ManagersKey),
    "volume_id": (BEGIN, {"volume_id": "other"}, errors.ManagersKey),
    "updated_at": (BEGIN, {"updated_at": None}, errors.ManagersKey),
    "wrong type": (BEGIN, {"provider_id": 7}, errors.WrongType),
    "too long": (BEGIN, {"provider_id": "x" * 256}, errors.TooLong),
    "progress 90": (COMPLETE, {"progress": "90"}, errors.InvalidProgress),
    "progress 090%": (COMPLETE, {"progress": "090%"}, errors.InvalidProgress),
    "progress 101%": (COMPLETE, {"progress": "101%"}, errors.InvalidProgress),
    "progress newline": (
        COMPLETE,
        {"progress": "9%\n"},
        errors.InvalidProgress,
    ),
    "progress in Arabic digits": (
        COMPLETE,
        {"progress": "٩٠%"},
        errors.InvalidProgress,
    ),
    "progress None": (COMPLETE, {"progress": None}, errors.InvalidProgress),
    "completion": (BEGIN, {"progress": "90%"}, errors.PrematureCompletion),
    "metadata a list": (BEGIN, {"metadata": ["a"]}, errors.NotAMapping),
    "metadata None": (BEGIN, {"metadata": None}, errors.NotAMapping),
    "metadata number": (BEGIN, {"metadata": {"a": 1}}, errors.WrongType),
    "metadata key": (BEGIN, {"metadata": {1: "a"}}, errors.WrongType),
    "metadata empty key": (BEGIN, {"metadata": {"": "a"}}, errors.TooLong),
    "admin value": (BEGIN, admin(a="x" * 256), errors.TooLong),
    "admin key": (BEGIN, admin(**{"k" * 256: "x"}), errors.TooLong),
    "admin bool": (BEGIN, admin(a=True), errors.WrongType),
    "snapshot_status": (
        COMPLETE,
        admin(snapshot_status="creating_compute_complete"),
        errors.ReservedAdminMetadata,
    ),
    "compute_progress": (
        COMPLETE,
        admin(compute_progress="100"),
        errors.ReservedAdminMetadata,
    ),
    "reserved removal": (
        BEGIN,
        admin(snapshot_status=None),
        errors.ReservedAdminMetadata,
    ),
    "manager": (
        BEGIN,
        admin(manager__phase="complete"),
        errors.ReservedAdminMetadata,
    ),
    "volume metadata from begin": (
        BEGIN,
        {"volume_admin_metadata": {"format": "qcow2"}},
        errors.VolumeMetadataTooEarly,
    ),
    "volume metadata unknown": (
        COMPLETE,
        {"volume_admin_metadata": {"fromat": "qcow2"}},
        errors.UnknownKey,
    ),
    "request from complete": (
        COMPLETE,
        admin(create_info__type="qcow2", create_info__new_file="v.s"),
        errors.RequestByWrongHook,
    ),
    "create request from delete": (
        DELETE_BEGIN,
        admin(create_info__type="qcow2"),
        errors.RequestByWrongHook,
    ),
    "delete request from create": (
        BEGIN,
        admin(delete_info__type="qcow2"),
        errors.RequestByWrongHook,
    ),
    "request field unknown": (
        BEGIN,
        admin(
            create_info__type="qcow2",
            create_info__new_file="v.s",
            create_info__vendor="x",
        ),
        errors.UnknownRequestKey,
    ),
    "snapshot id in request": (
        BEGIN,
        admin(create_info__snapshot_id="s"),
        errors.UnknownRequestKey,
    ),
    "request type": (
        BEGIN,
        admin(create_info__type="ploop", create_info__new_file="v.s"),
        errors.InvalidRequestType,
    ),
    "absolute name": (
        BEGIN,
        admin(create_info__type="qcow2", create_info__new_file="/s/v.s"),
        errors.InvalidFileName,
    ),
    "pseudo protocol": (
        DELETE_BEGIN,
        admin(delete_info__type="qcow2", delete_info__file_to_merge="nbd:x"),
        errors.InvalidFileName,
    ),
    "option": (
        DELETE_BEGIN,
        admin(delete_info__type="qcow2", delete_info__file_to_merge="-f"),
        errors.InvalidFileName,
    ),
    "empty name": (
        DELETE_BEGIN,
        admin(delete_info__type="qcow2", delete_info__file_to_merge=""),
        errors.InvalidFileName,
    ),
    "file without type": (
        DELETE_BEGIN,
        admin(delete_info__file_to_merge="v.s"),
        errors.IncompleteRequest,
    ),
    "type without new file": (
        BEGIN,
        admin(create_info__type="qcow2"),
        errors.IncompleteRequest,
    ),
}

ACCEPTED = {
    "nothing": (BEGIN, None, ModelUpdate()),
    "an empty dict": (DELETE_COMPLETE, {}, ModelUpdate()),
    "fields": (
        COMPLETE,
        {"provider_location": "a", "provider_id": None, "progress": "90%"},
        ModelUpdate(
            fields={
                "provider_location": "a",
                "provider_id": None,
                "progress": "90%",
            }
        ),
    ),
    "metadata": (
        BEGIN,
        {"metadata": {"a": "", "b": None}},
        ModelUpdate(metadata={"a": "", "b": None}),
    ),
    "a create request": (
        BEGIN,
        admin(create_info__type="qcow2", create_info__new_file="v.s"),
        ModelUpdate(
            snapshot_admin_metadata={
                "create_info:type": "qcow2",
                "create_info:new_file": "v.s",
            },
            has_request=True,
        ),
    ),
    "a pull of everything": (
        DELETE_BEGIN,
        admin(delete_info__type="qcow2", delete_info__file_to_merge=None),
        ModelUpdate(
            snapshot_admin_metadata={
                "delete_info:type": "qcow2",
                "delete_info:file_to_merge": None,
            },
            has_request=True,
        ),
    ),
    "the driver's own keys": (
        DELETE_COMPLETE,
        admin(plan="x", vendor__key=None),
        ModelUpdate(snapshot_admin_metadata={"plan": "x", "vendor:key": None}),
    ),
    "the volume's formats": (
        COMPLETE,
        {"volume_admin_metadata": {"format": "qcow2", "base_format": "raw"}},
        ModelUpdate(
            volume_admin_metadata={"format": "qcow2", "base_format": "raw"}
        ),
    ),
}


def rows(table: dict[str, tuple[object, ...]]) -> list[object]:
    named = []
    for name, row in table.items():
        row = type("Row", (tuple,), {})(row)
        row.__name__ = name.replace(" ", "_")  # type: ignore[attr-defined]
        named.append(row)
    return named


@ddt.ddt
class ValidateTest(testtools.TestCase):
    @ddt.data(*rows(REFUSED))
    @ddt.unpack
    def test_refused(
        self, hook: Hook, update: object, error: type[Exception]
    ) -> None:
        raised = self.assertRaises(error, validate, hook, update)
        self.assertIs(error, type(raised))
        self.assertIn(str(hook), str(raised))
        self.assertIn("contract section 2", str(raised))

    @ddt.data(*rows(ACCEPTED))
    @ddt.unpack
    def test_accepted(
        self, hook: Hook, update: object, expected: ModelUpdate
    ) -> None:
        self.assertEqual(expected, validate(hook, update))

    def test_message_names_hook_key_value_and_clause(self) -> None:
        raised = self.assertRaises(
            errors.ManagersKey, validate, COMPLETE, {"status": "available"}
        )
        self.assertEqual(
            "create_snapshot_assisted_complete returned 'status': "
            "'available', which belongs to the volume manager "
            "(contract section 2)",
            str(raised),
        )

    def test_provider_auth_is_never_shown(self) -> None:
        raised = self.assertRaises(
            errors.TooLong, validate, BEGIN, {"provider_auth": "s3cret" * 99}
        )
        self.assertNotIn("s3cret", str(raised))
        self.assertNotIn("s3cret", repr(raised.value))

    def test_every_kind_of_violation_is_refused_here(self) -> None:
        kinds = {
            error
            for error in vars(errors).values()
            if isinstance(error, type)
            and issubclass(error, errors.ModelUpdateError)
            and error not in (errors.ModelUpdateError, errors.RequestError)
        }
        self.assertEqual(kinds, {row[2] for row in REFUSED.values()})
