# SPDX-License-Identifier: Apache-2.0
"""What the kit accepts as a model update, and how it refuses the rest."""

from __future__ import annotations

from collections.abc import Mapping

import ddt
import testtools

from assisted_kit import update_errors as errors
from assisted_kit.driver import Hook
from assisted_kit.updates import ModelUpdate
from assisted_kit.updates import validate
from conformance.hostile.updates import admin
from conformance.hostile.updates import FORMS
from conformance.hostile.updates import UPDATES

BEGIN = Hook.CREATE_BEGIN
COMPLETE = Hook.CREATE_COMPLETE
DELETE_BEGIN = Hook.DELETE_BEGIN
DELETE_COMPLETE = Hook.DELETE_COMPLETE


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


def rows(
    table: Mapping[str, tuple[object, ...]],
) -> list[object]:
    named = []
    for name, row in table.items():
        row = type("Row", (tuple,), {})(row)
        row.__name__ = name.replace(" ", "_")  # type: ignore[attr-defined]
        named.append(row)
    return named


@ddt.ddt
class ValidateTest(testtools.TestCase):
    @ddt.data(*rows(UPDATES))
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
        self.assertEqual(kinds, {row[2] for row in FORMS.values()})
