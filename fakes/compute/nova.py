# SPDX-License-Identifier: Apache-2.0
"""Nova, as Cinder's volume manager and a guest's user know it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from oslo_context import context as oslo_context

from assisted_kit.db.database import Database
from assisted_kit.driver import Operation
from assisted_kit.notifier import Notifier
from assisted_kit.reports import ACTION
from assisted_kit.status_api import SERVICE_ROLE
from assisted_kit.status_api import StatusApi
from fakes.compute import requests
from fakes.compute.errors import BadRequest
from fakes.compute.errors import ComputeApiError
from fakes.compute.faults import Fault
from fakes.compute.faults import FaultPlan
from fakes.compute.faults import Planned
from fakes.compute.faults import UNHEARD
from fakes.compute.generations import Generation
from fakes.compute.history import Call
from fakes.compute.history import History
from fakes.compute.hypervisor import Hypervisor
from fakes.compute.instances import Disk
from fakes.compute.instances import Instance
from fakes.compute.instances import Locate
from fakes.compute.instances import PassphraseOf
from fakes.compute.service import ComputeService
from fakes.compute.service import Job


class FakeNova:
    """Instances, and the API for assisted snapshots of their volumes.

    The API answers at once; the work is done on threads of its own and
    reported through the status API, as Nova's compute service does.

    :param database: Cinder's, to read attachments as its API shows them.
    :param status_api: where the work is reported.
    :param notifier: tells when a snapshot's status changed.
    :param locate: finds the image that stored connection information names.
    :param passphrase_of: tells what opens the images of a volume, which a
        Nova has from Cinder and the key manager; nobody's are encrypted
        unless it is given.
    :param generation: how this Nova reports.
    :param faults: what is to go wrong; an empty plan unless given.
    :param context: whom it reports as; unless given, a user with the role
        ``service``.
    :param liberty_spelling: say ``delete_compute_complete``.
    """

    def __init__(
        self,
        database: Database,
        status_api: StatusApi,
        notifier: Notifier,
        locate: Locate,
        *,
        generation: Generation = Generation.DUAL,
        faults: FaultPlan | None = None,
        hypervisor: Hypervisor | None = None,
        context: Any = None,
        liberty_spelling: bool = False,
        passphrase_of: PassphraseOf = lambda _volume_id: None,
    ) -> None:
        self.history = History()
        self.faults = faults or FaultPlan()
        self._locate = locate
        self._passphrase_of = passphrase_of
        self._hypervisor = hypervisor or Hypervisor()
        self._instances: list[Instance] = []
        self._lock = threading.Lock()
        self._service = ComputeService(
            database,
            status_api,
            notifier,
            self.history,
            generation=generation,
            liberty_spelling=liberty_spelling,
            context=context
            or oslo_context.RequestContext(
                roles=[SERVICE_ROLE], overwrite=False
            ),
        )

    def boot(self) -> Instance:
        """Start an instance, without volumes yet."""
        instance = Instance(
            self._hypervisor, self._locate, self._passphrase_of
        )
        with self._lock:
            self._instances.append(instance)
        return instance

    @property
    def generation(self) -> Generation:
        """How this Nova reports."""
        return self._service.generation

    def upgrade(self, generation: Generation) -> None:
        """Report as this generation does from now on."""
        self._service.generation = generation

    @property
    def instances(self) -> tuple[Instance, ...]:
        """All instances, the oldest first."""
        with self._lock:
            return tuple(self._instances)

    def destroy(self, instance: Instance) -> None:
        """An instance is gone, and its volumes are still attached to it.

        Whoever cleans up detaches them, in his own time.
        """
        instance.stop()
        with self._lock:
            self._instances.remove(instance)

    def create_volume_snapshot(
        self, context: Any, volume_id: str, create_info: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Switch the guest of a volume to an overlay.

        :returns: once it is accepted.
        :raises ComputeApiError: with the ``code`` of Nova's answer.
        """

        def prepare() -> tuple[Instance, Disk, dict[str, Any]]:
            info = requests.parse_create(volume_id, create_info)
            return *self._attached(volume_id), info

        self._answer(
            Operation.CREATE,
            _text(create_info, "snapshot_id"),
            volume_id,
            create_info,
            prepare,
        )
        return {"id": create_info.get("id"), "volumeId": volume_id}

    def delete_volume_snapshot(
        self, context: Any, snapshot_id: str, delete_info: Mapping[str, Any]
    ) -> None:
        """Merge files under the guest of a volume.

        :returns: once it is accepted.
        :raises ComputeApiError: with the ``code`` of Nova's answer.
        """

        def prepare() -> tuple[Instance, Disk, dict[str, Any]]:
            info = requests.parse_delete(snapshot_id, delete_info)
            instance, disk = self._attached(info["volume_id"])
            # LP#1919487: nobody commits for an instance that is shut off.
            if info["merge_target_file"] is not None and not instance.active:
                raise BadRequest(
                    f"Instance {instance.uuid} in vm_state stopped. Cannot "
                    f"volume_snapshot_delete while the instance is in this "
                    f"state."
                )
            return instance, disk, info

        self._answer(
            Operation.DELETE,
            snapshot_id,
            _text(delete_info, "volume_id"),
            delete_info,
            prepare,
        )

    def join(self, timeout: float | None = None) -> bool:
        """Wait until no work is under way.

        Reports that are held back are not waited for, and neither is the
        end of a create whose snapshot is still ``creating``.

        :param timeout: seconds.
        :returns: false when the time-out passed.
        """
        return self._service.join(timeout)

    def release(self) -> None:
        """Send the reports that the fault plan held back."""
        self._service.release()

    def report(self, snapshot_id: str, **fields: Any) -> str:
        """Report exactly this on a snapshot, whatever was done.

        :param fields: of ``os-update_snapshot_status``.
        :returns: the status API's answer, ``202`` or an error's text.
        """
        return self._service.report(snapshot_id, {ACTION: fields})

    def close(self) -> None:
        """Finish the work under way and close every image."""
        self._service.stop()
        for instance in self.instances:
            instance.stop()

    def _answer(
        self,
        operation: Operation,
        snapshot_id: str,
        volume_id: str,
        info: Any,
        prepare: Callable[[], tuple[Instance, Disk, dict[str, Any]]],
    ) -> None:
        """Accept a call and cast the work, or refuse; record which."""
        try:
            # A malformed request is refused whatever is planned.
            instance, disk, parsed = prepare()
            planned = self.faults.take(operation)
            error = _error_of(planned)
        except ComputeApiError as refusal:
            planned, error = None, refusal
        self.history.add(
            Call(operation, snapshot_id, volume_id, info, _outcome(error))
        )
        if error is None or _is_heard(planned):
            fault = None if planned is None else planned.fault
            self._service.cast(
                Job(operation, snapshot_id, instance, disk, parsed, fault)
            )
        if error is not None:
            raise error

    def _attached(self, volume_id: str) -> tuple[Instance, Disk]:
        """The one instance that has a volume."""
        found = [
            (instance, disk)
            for instance in self.instances
            for disk in instance.disks
            if disk.volume_id == volume_id
        ]
        if not found:
            raise BadRequest(
                f"No volume Block Device Mapping with id {volume_id}."
            )
        if len(found) > 1:
            raise BadRequest(
                f"Block Device Mapping {volume_id} is a multi-attach volume "
                f"and is not valid for this operation."
            )
        return found[0]


def _error_of(planned: Planned | None) -> Exception | None:
    """What the caller gets to see of a planned fault."""
    match planned:
        case Planned(Fault.REFUSE, code):
            assert code is not None
            return ComputeApiError(code, f"refused as planned with {code}")
        case Planned(Fault.NO_CONNECTION):
            return ConnectionRefusedError("no connection, as planned")
        case Planned(fault, code) if fault in UNHEARD:
            if code is None:
                return ConnectionResetError("connection reset, as planned")
            return ComputeApiError(code, f"{code}, as planned")
    return None


def _is_heard(planned: Planned | None) -> bool:
    """Whether Nova does the work although it answers with an error."""
    return planned is not None and planned.fault in UNHEARD


def _outcome(error: Exception | None) -> str:
    if error is None:
        return "accepted"
    return f"{getattr(error, 'code', type(error).__name__)}: {error}"


def _text(info: Any, name: str) -> str:
    value = info.get(name) if isinstance(info, Mapping) else None
    return value if isinstance(value, str) else repr(value)
