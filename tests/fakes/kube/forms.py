"""How objects are sent: whole, or their metadata alone, as the Accept header asks."""

from __future__ import annotations

from dataclasses import dataclass

from . import status
from .resources import Resource
from .status import Json

_META = {"apiVersion": "meta.k8s.io/v1"}


@dataclass(frozen=True)
class Form:
    """`version` is that of the path; `partial` is the wanted meta kind or empty."""

    version: str
    partial: str = ""

    def one(self, resource: Resource, item: Json) -> Json:
        if self.partial:
            return {"kind": "PartialObjectMetadata", **_META, "metadata": item["metadata"]}
        if "metadata" not in item or item.get("kind") == "Status":
            return item
        return {"kind": resource.kind, "apiVersion": resource.api_version(self.version), **item}

    def many(self, resource: Resource, items: list[Json], metadata: Json) -> Json:
        if self.partial:
            return {
                "kind": "PartialObjectMetadataList",
                **_META,
                "metadata": metadata,
                "items": [self.one(resource, item) for item in items],
            }
        # Items of a list have neither kind nor apiVersion.
        return {
            "kind": resource.list_kind,
            "apiVersion": resource.api_version(self.version),
            "metadata": metadata,
            "items": items,
        }

    def bookmark(self, resource: Resource, version: str) -> Json:
        metadata = {"resourceVersion": version, "creationTimestamp": None}
        return self.one(resource, {"metadata": metadata})


def wanted_form(accept: str, version: str, resource: Resource, is_list: bool) -> Form:
    """The first acceptable of an Accept header, or the 406."""
    for choice in accept.split(",") if accept else ["*/*"]:
        media, *parameters = [part.strip() for part in choice.split(";")]
        if media not in ("application/json", "application/*", "*/*"):
            continue
        options = dict(part.partition("=")[::2] for part in parameters)
        kind = options.get("as", "")
        if not kind:
            return Form(version)
        if options.get("g") != "meta.k8s.io" or options.get("v") != "v1":
            continue
        go_kind = f"core.{resource.kind}"
        if kind == "PartialObjectMetadata":
            if is_list:
                raise status.not_acceptable(
                    "you requested PartialObjectMetadata, but the requested object is a list "
                    f"(*{go_kind}List)")
            return Form(version, kind)
        if kind == "PartialObjectMetadataList":
            if not is_list:
                raise status.not_acceptable(
                    "you requested PartialObjectMetadataList, but the requested object is not a "
                    f"list (*{go_kind})")
            return Form(version, kind)
    raise status.not_acceptable(details={})
