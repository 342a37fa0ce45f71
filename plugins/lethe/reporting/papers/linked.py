"""The record of processing for machines: JSON-LD with terms of the W3C Data Privacy Vocabulary."""

from __future__ import annotations

from typing import Any, Final

from lethe.reporting.papers.record_data import EEA, DataGroup, Limit, Processing, Words

CONTEXT: Final = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "dct": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dct:title": {"@container": "@language"},
    "dct:description": {"@container": "@language"},
}
_BASES: Final = {
    "consent": ("dpv:Consent", "eu-gdpr:A6-1-a"),
    "contract": ("dpv:Contract", "eu-gdpr:A6-1-b"),
    "legal_obligation": ("dpv:LegalObligation", "eu-gdpr:A6-1-c"),
    "vital_interests": ("dpv:VitalInterest", "eu-gdpr:A6-1-d"),
    "public_task": ("dpv:PublicInterest", "eu-gdpr:A6-1-e"),
    "legitimate_interest": ("dpv:LegitimateInterest", "eu-gdpr:A6-1-f"),
}
# A class without a term that certainly fits stays plain personal data, under its own name.
_CLASSES: Final = {
    "identifier": "pd:Identifying",
    "name": "pd:Name",
    "contact": "pd:Contact",
    "credential": "pd:Authenticating",
    "payment": "pd:Financial",
    "billing": "pd:Financial",
    "behaviour": "pd:Behavioral",
    "content": "pd:Communication",
    "preference": "pd:Preference",
    "special": "dpv:SpecialCategoryPersonalData",
}
_MEASURES: Final = {
    "erasure": "dpv:Deletion",
    "approval": "dpv:AuthorisationProcedure",
    "roles": "dpv:AccessControlMethod",
    "archive": "dpv:EncryptionAtRest",
    "logs": "dpv:Pseudonymisation",
    "protected": "dpv:Pseudonymisation",
}


def link_record(record: Processing) -> dict[str, Any]:
    """Say the record in the terms of DPV 2; what DPV has no word for keeps its own."""
    policy = record.policy
    controller = policy.controller
    base = f"urn:lethe:{policy.policy.name}"
    return {
        "@context": CONTEXT,
        "@id": f"{base}:record:{record.digest}",
        "@type": "dpv:RecordOfActivities",
        "dct:title": _said(policy.policy.title),
        "dct:hasVersion": policy.policy.version,
        "dct:identifier": record.digest,
        "dct:valid": {"@type": "xsd:date", "@value": policy.policy.effective_from.isoformat()},
        "dpv:hasDataController": {
            "@id": f"{base}:controller",
            "@type": "dpv:DataController",
            "dpv:hasName": controller.name,
            "dpv:hasAddress": controller.address,
            "dpv:hasContact": controller.contact,
            "dpv:hasDataProtectionOfficer": {
                "@type": "dpv:DataProtectionOfficer",
                "dpv:hasName": controller.dpo.name,
                "dpv:hasContact": controller.dpo.email,
            },
        },
        "dpv:hasProcess": [_process(record, base, key) for key in policy.purposes],
        "dpv:hasTechnicalOrganisationalMeasure": [
            {
                "@type": _MEASURES.get(each.code, "dpv:TechnicalOrganisationalMeasure"),
                "dct:identifier": each.code,
                "dct:available": each.is_built,
            }
            for each in record.measures
        ],
    }


def _process(record: Processing, base: str, key: str) -> dict[str, Any]:
    purpose = record.policy.purposes[key]
    groups = record.groups_of(key)
    basis = {
        "@type": list(_BASES[purpose.basis]),
        "dct:description": _said(purpose.interest) if purpose.interest else {},
        "dct:source": purpose.law,
    }
    receivers = dict.fromkeys(name for group in groups for name in group.recipients)
    services = dict.fromkeys(name for group in groups for name in group.systems)
    return {
        "@id": f"{base}:process:{key}",
        "@type": "dpv:Process",
        "dpv:hasPurpose": {
            "@id": f"{base}:purpose:{key}",
            "@type": "dpv:FraudPreventionAndDetection" if purpose.against_fraud else "dpv:Purpose",
            "dct:title": _said(purpose.title),
        },
        "dpv:hasLegalBasis": {name: value for name, value in basis.items() if value},
        "dpv:hasDataSubject": [
            {"@type": "dpv:DataSubject", "dct:title": dict(group.people)} for group in groups
        ],
        "dpv:hasPersonalData": [_data(base, group) for group in groups],
        "dpv:hasRecipient": [
            *(_recipient(record, base, name) for name in receivers),
            *(_service(record, base, name) for name in services),
        ],
        "dpv:hasStorageCondition": [
            _storage(base, group, limit) for group in groups for limit in group.limits
        ],
    }


def _data(base: str, group: DataGroup) -> dict[str, Any]:
    return {
        "@id": f"{base}:data:{group.key}",
        "@type": sorted({_CLASSES.get(kind, "dpv:PersonalData") for kind in group.classes}),
        "dct:title": dict(group.title),
        "dct:subject": sorted(group.classes),
    }


def _recipient(record: Processing, base: str, name: str) -> dict[str, Any]:
    processor = record.policy.processors[name]
    return {
        "@id": f"{base}:recipient:{name}",
        "@type": "dpv:DataProcessor",
        "dpv:hasName": processor.name,
        "dct:description": _said(processor.service),
        "dpv:hasCountry": processor.country,
        "dpv:hasLocation": "EEA" if processor.country in EEA else "third country",
    }


def _service(record: Processing, base: str, name: str) -> dict[str, Any]:
    return {
        "@id": f"{base}:recipient:{name}",
        "@type": "dpv:Recipient",
        "dct:title": _said(record.policy.systems[name].title),
    }


def _storage(base: str, group: DataGroup, limit: Limit) -> dict[str, Any]:
    return {
        "@id": f"{base}:rule:{limit.rule}",
        "@type": ["dpv:StorageDuration", "dpv:StorageDeletion"],
        "dct:title": dict(limit.title),
        "dct:subject": {"@id": f"{base}:data:{group.key}"},
        "dpv:hasDuration": {"@type": "xsd:duration", "@value": str(limit.period)},
        "dct:description": dict(limit.event),
    }


def _said(text: Any) -> Words:
    return {str(language): str(words) for language, words in text.items()}
