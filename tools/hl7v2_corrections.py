"""What the official HL7 v2-to-FHIR tables say otherwise than they mean, and what does not hold here.

Each entry is a misprint, a path that base R4 does not have, or a row that the tables put under a condition in
words (``Narrative``) which no program can evaluate and which is decided here, with its reason.
"""

# Misprints in paths; one of (map, field, path) holds for that row only.
ATTRIBUTES: dict[object, str] = {
    "payer[1](Organization.address)": "payor[1](Organization.address)",
    "policyHolder([1]Organization.identifier)": "policyHolder(Organization.identifier)",
    "valueSampedData": "valueSampledData",
    "occurenceTiming.repeat.boundsDuration.value": "occurrenceTiming.repeat.boundsDuration.value",
    "occurenceTiming.repeat.boundsDuration.system": "occurrenceTiming.repeat.boundsDuration.system",
    "occurenceTiming.repeat.boundsDuration.unit": "occurrenceTiming.repeat.boundsDuration.unit",
    "occurrenceTIming.repeat.offset": "occurrenceTiming.repeat.offset",
    "occurrenceTiming.boundsDuration": "occurrenceTiming.repeat.boundsDuration",
    "occurrenceTiming.duration": "occurrenceTiming.repeat.duration",
    "occurrenceTiming.durationUnit": "occurrenceTiming.repeat.durationUnit",
    "extension[2].extension[1].valuedateTime": "extension[2].extension[1].valueDateTime",
    "extension[1].uri": "extension[1].url",
    "extension[2].uri": "extension[2].url",
    "occurred": "occurredDateTime",
    "performer[1].function.coding.uri": "performer[1].function.coding.system",
    "performer[2].function.coding.uri": "performer[2].function.coding.system",
    "performer[2](PractitionerRole.code.coding.value)": "performer[2](PractitionerRole.code.coding.code)",
    "content[2].data": "content[2].attachment.data",
    "content[2].contentType": "content[2].attachment.contentType",
    "content[3].url": "content[3].attachment.url",
    "content[4].data": "content[4].attachment.data",
    "content[4].contentType": "content[4].attachment.contentType",
    "[4].location(Location.mode)": "[4].mode",
    "[1].location(Location.description)": "[1].description",
    "[5].partOf.reference(Location[5])": "[5].partOf.reference(Location[6])",
    "coding[3.version": "coding[3].version",
    "reaction.manifestation.text": "reaction.manifestation",
    "note(Annotation.text)": "note.text",
    "code[1].value": "code.coding[1].code",
    "value[1]": "value",
    "system.extension-data-absent-reason": "system.extension.valueCode",
    "version.value": "version.value",
    "participant.status[1]": "participant.status",
    "name.suffix[2}": "name.suffix[2]",
    "dosageInstruction.doseAndRate[1].type": "dosageInstruction.doseAndRate[1].type.text",
    "medication(Medication.doseForm)": "medication(Medication.form)",
    "reason.extension[1].valueCodeableConcept": "reason.extension[1].valueCode",
    "udiCarrier.deviceIdentifier": "udiCarrier.deviceIdentifier",
    "participant[1].individual(PractitionerRole.practioner(Practitioner.address))": "participant[1].individual(PractitionerRole.practitioner(Practitioner.address))",
    "participant[1].individual(PractitionerRole.organziation.(Organization))": "participant[1].individual(PractitionerRole.organization(Organization))",
    ("PRT[Device]", "PRT-10", "udiCarrier[1]"): "$this",
    ("PRT[Device]", "PRT-16", "udiCarrier[2]"): "$this",
    ("PRT[Observation-Location]", "PRT-14", "extension[2].valueReference(Location)"): (
        "extension[2].valueReference(Location.address)"
    ),
    (
        "TQ1[MedicationRequest]",
        "TQ1-4",
        "dosageInstruction.timing.event",
    ): "dosageInstruction.timing.repeat.timeOfDay",
    (
        "TQ1[MedicationRequest]",
        "TQ1-6",
        "occurrenceTiming.boundsDuration",
    ): "dosageInstruction.timing.repeat.boundsDuration",
    ("TQ1[MedicationRequest]", "TQ1-11", "text"): "dosageInstruction.patientInstruction",
    "[1].family": "[1]",
    "line[1-3]": "$this",
    ("IN3[CareTeam]", "IN3-21", "participant.role.coding.value"): "participant.role.coding.code",
    ("PV2[Encounter]", "PV2-38", "extension[1].url"): "extension[38].url",
    ("PV2[Encounter]", "PV2-38", "extension[1].valueCoding"): "extension[38].valueCoding",
    "type.coding.sytem": "type.coding.system",
    "extension[2].valueCodeableConcept.coding.value": "extension[2].valueCodeableConcept.coding.code",
    "identifier.type.coding.sytem": "identifier.type.coding.system",
    ("ORC[ServiceRequest]", "ORC-1", "extension.url"): "extension[1].url",
    "recorder.reference(RelatedPerson.name)": "recorder(RelatedPerson.name)",
    "recorder.reference(RelatedPerson.relationship)": "recorder(RelatedPerson.relationship)",
}
for _wrong, _right in (
    ("Practioner", "Practitioner"),
    ("organziation.", "organization"),
    ("practioner", "practitioner"),
):
    for _rest in ("identifier[1].assigner(Organization)", "identifier[1].system"):
        ATTRIBUTES[f"practitioner({_wrong}.{_rest})"] = f"practitioner({_right}.{_rest})"

ATTRIBUTES |= {
    (
        "ROL[CareTeam]",
        "ROL-10",
        "participant.onBehalfOf(Organization[1])",
    ): "participant.onBehalfOf(Organization[1].type)",
    "participant[1].coveragePeriod.start": "participant[1].period.start",
    "participant[1].coveragePeriod.end": "participant[1].period.end",
}

ASSIGNMENTS: dict[object, str] = {
    'OBX-5.1+" "+OBX-5.2+" "+OBX-5.3+" "+OBX-5.4" "OBX-6"': 'OBX-5.1+" "+OBX-5.2+" "+OBX-5.3+" "+OBX-5.4+" "+OBX-6.1',
    'RP.3"/"RP.4': 'RP.3+"/"+RP.4',
    'NA.1 + "^" + NA.2 + "^" + NA.3 + "^" NA.4': 'NA.1+" "+NA.2+" "+NA.3+" "+NA.4',
    'NA.1 + "^" + NA.2 + "^" + NA.3': 'NA.1+" "+NA.2+" "+NA.3',
    'NA.1 + "^" + NA.2': 'NA.1+" "+NA.2',
    "enterer": '"enterer"',
    "http://terminology.hl7.org/CodeSystem/provenance-participant-type": '"http://terminology.hl7.org/CodeSystem/provenance-participant-type"',
    "https://www.hl7.org/fhir/valueset-encounter-participant-type.html": "",
    "/convert from A or HEX to binary64/": "",
    "/Encounter.hospitalization.destination.reference=Location[n].id/": "",
    '" http://hl7.org/fhir/ValueSet/subject-location"': '"http://hl7.org/fhir/ValueSet/subject-location"',
}
for _words in (
    "/must convert v2 date time format to FHIR date time format before populating/",
    "/must convert v2 date time format to FHIR date time format before populating according to FHIR date/time format https://build.fhir.org/datatypes.html#dateTime /",
    "/concatenate according to XPN.11/",
    "/include full field (inlcuding delimiters or xml tags)/",
    "/map HL7 code system to appropriate url/",
):
    ASSIGNMENTS[_words] = ""

CONDITIONS: dict[str, str] = {
    'IF OBX-5 LST.count LESS THAN OR EQUALS 1 AND OBX-2 IS "NA"': 'IF OBX-5 LST.count LESS THAN OR EQUALS 1 OR OBX-2 IS "NA"',
    # ORC gives way to OBR and OBR to ORC: where both hold the number, none would give it
    "IF OBR-2 NOT VALUED": "",
    "IF OBR-3 NOT VALUED": "",
    'IF PRT-2 IS IN ("A", "S", "U", X")': 'IF PRT-2 IS IN ("A", "S", "U", "X")',
    "IF PL.8 VALUED AND PL.1 NOT VALUED AND PL.2 NOT VALUED AND PL3.NOT VALUED": (
        "IF PL.8 VALUED AND PL.1 NOT VALUED AND PL.2 NOT VALUED AND PL.3 NOT VALUED"
    ),
    "IF PL.11 VALUED AND IF PL.8 VALUED AND PL.1 NOT VALUED AND PL.2 NOT VALUED AND PL3.NOT VALUED": (
        "IF PL.11 VALUED AND IF PL.8 VALUED AND PL.1 NOT VALUED AND PL.2 NOT VALUED AND PL.3 NOT VALUED"
    ),
    "IF CX.4 IN http://hl7.org/implement/standards/fhir/identifier-registry.html": "",
    "ic": "",
    # "NOT SEL" is said of the relationship, not of the name that the row is about
    'IF IAM-15 VALUED AND NOT "SEL"': 'IF IAM-15 VALUED AND IAM-15.1 NOT EQUALS "SEL"',
}

REFERENCES: dict[str, str] = {
    "Immunzation.patient.reference=Patient[1].id": "Immunization.patient.reference=Patient[1].id",
    "Encounter[1].diagnosis.reference=Condition[1].id": "Encounter[1].diagnosis.condition.reference=Condition[1].id",
    "Observation[1].subject.id=Patient[1].id": "Observation[1].subject=Patient[1].id",
    "ServiceRequest[1].specimen.#ext-rejectReason#=SPM-21": "",
    "Basic.extension-EncounterHistory.subject.reference=Patient[1].id": "Basic.subject.reference=Patient[1].id",
    "DiagnosticReport[1].requester.reference=PractitionerRole[3].id": "",
    "AllergyIntolerance.patient=Patient[PID]": "AllergyIntolerance.patient=Patient[1].id",
}

PATHS = {"ORM_O01.ORDER_DETAIL": "ORM_O01.ORDER.ORDER_DETAIL"}

# Tables that the guide names and leaves empty: their codes are the hospital's own.
VOCABULARIES: dict[str, str] = dict.fromkeys(
    [
        "OperatorID",
        "PlanId",
        "SecurityLabelHandlingInstructions",
        "RequestedGiveUnits",
        "RequestedDosageForm",
        "RequestedDispenseUnits",
        "RequestedGiveStrengthUnits",
        "RequestedDrugStrengthVolumeUnits",
        "RoutingInstruction",
        "DischargedToLocation",
    ],
    "",
)

_SYSTEM = "of 'if organization' and 'if system', the second: the system tells two numbers apart"
_MESSAGE = "the message itself is kept in a DocumentReference by the program, not by a row"
_ARITHMETIC = "a sum of a time and a duration in units of another field"
_ORIGINAL = (
    "the lake's receipt says when and by what a message was converted; a clock would make each copy new"
)
_NO_R4 = "an extension to an element of a later release, or one without a name yet"

# (map, field, path as a pattern, beginning of the narrative): why the row is left out.
LEFT_OUT: dict[tuple[str, str, str, str], str] = {
    ("*", "*", r".*assigner\(Organization\)", ""): _SYSTEM,
    ("*", "*", r".*assigner\(Organization\[1\].*", ""): _SYSTEM,
    ("HD[Identifier]", "*", r"value\[2\]|type\[2\]", ""): "one Identifier has one value",
    ("MSH[Provenance-Source]", "MSH", r"entity\[1\]\.what.*", ""): _MESSAGE,
    ("MSH[Provenance-Transformation]", "*", r".*", ""): _ORIGINAL,
    ("*", "*", r"Provenance\[1\]\.entity\.what\(Device\)", "If the software represents"): "of two readings, the other",
    ("MSH[Bundle]", "*", r".*", ""): "resources are kept, not the bundle that would carry them",
    ("*", "*", r"participant\.period\.(start|end)|occurrencePeriod\.(start|end)", ""): _ARITHMETIC,
    ("*", "*", r"occur\w+Timing\.boundsPeriod\.(start|end)", ""): _ARITHMETIC,
    ("PR1[Procedure]", "PR1-7", r".*", ""): _ARITHMETIC,
    ("PID[Provenance-Patient]", "PID", r"recorded", ""): _ORIGINAL,
    ("PV1[Basic-EncounterHistory]", "*", r".*", ""): _NO_R4,
    ("OG[Extension-Subidentifier]", "*", r".*", ""): _NO_R4,
    ("DG1[EpisodeOfCare]", "*", r".*", ""): "a message tells of a stay, and names no episode of care",
    ("*", "DG1", r"EpisodeOfCare.*", ""): "a message tells of a stay, and names no episode of care",
    ("DG1[Encounter]", "*", r"diagnosis\.condition.*", ""): "the Condition is made by DG1[Condition], once",
    ("PID[Patient]", "PID-19", r"identifier\[4\]\.(type|system).*", ""): "that it is a US number is not known",
    ("NK1[RelatedPerson]", "NK1-37", r"identifier\[3\]\.(type|system).*", ""): "that it is a US number is not known",
    ("PID[Patient]", "PID-21", r".*", ""): "a mother's number alone names no related person",
    ("PV1[Patient]", "PV1-16", r".*", ""): "taken as courtesy of the stay (PV1[Encounter]), not of the person",
    ("AL1[AllergyIntolerance]", "AL1-4", r"reaction\.severity", ""): "of 'criticality' and 'severity', the first",
    ("IAM[AllergyIntolerance]", "IAM-4", r"reaction\.severity", ""): "of 'criticality' and 'severity', the first",
    ("IAM[AllergyIntolerance]", "IAM-2", r"category\.extension.*", ""): "the original code of a list of codes has no place",
    ("IAM[AllergyIntolerance]", "IAM-14", r"recorder\.reference\(Patient.*", ""): "the patient is named by PID, once",
    ("IAM[AllergyIntolerance]", "IAM-14", r"recorder\.reference\(Pract.*", ""): "that the reporter is a practitioner is not known",
    ("TXA[DocumentReference]", "TXA-6", r"extension.*", ""): _NO_R4,
    ("XAD[Address]", "XAD.7", r"extension\[2\].*", ""): _NO_R4,
    ("OBR[Specimen]", "OBR-2", r".*", ""): "a placer number is that of the order, not of the sample",
    ("OBR[Specimen]", "OBR-13", r".*", ""): "what OBR-13 says is not known to be about fasting",
    ("OBR[ServiceRequest]", "OBR-13", r".*", ""): _NO_R4,
    ("ORC[DiagnosticReport]", "ORC-2", r"basedOn\(ServiceRequest\)", ""): "the message map sets that reference",
    ("SCH[Appointment]", "*", r"basedOn\(ServiceRequest\)", ""): "the message map sets that reference",
    ("SCH[Appointment]", "*", r"participant\[[12]\]\.type\.coding\..*", ""): "a code that has yet to be made",
    ("OBX[Observation-Component]", "OBX-5", r"derivedFrom.*", ""): "that a value derives from a document is not said",
    ("*", "OBX-5", r".*valueString", "If line 19"): "it holds where no other row of OBX-5 does; see _observation",
    ("*", "OBX-4", r".*", ""): _NO_R4,
    ("*", "OBX-19", r".*", ""): _NO_R4,
    ("*", "OBX-29", r"category.*", ""): "a code without a table",
    ("*", "OBX-30", r".*", ""): _NO_R4,
    ("*", "OBX-33", r"extension.*", ""): _NO_R4,
    ("OBX[Observation]", "OBX-15", r"performer\[2\]\(PractitionerRole\)", ""): "made by OBX-25",
    ("IN1[Coverage]", "IN1-16", r".*", ""): "a name alone makes no subscriber",
    ("SFT[Device]", "", r"type", ""): "a code that has yet to be made",
    ("NTE[DocumentReference]", "NTE-9", r".*", ""): "a layout of several fields in one text",
    ("CWE[Device]", "*", r"deviceName.*type|definition.*", ""): "the sender does not say what kind of name it is",
    ("CWE[Observation-SupportingInfo]", "*", r"code", ""): "to be determined by the implementer",
    ("CX[RelatedPerson-Mother]", "*", r".*", ""): "a mother's number alone names no related person",
    ("CQ[unsignedInt]", "*", r".*", ""): "a duration in units of another component",
    ("RPT[Timing]", "*", r"repeat\.(dayOfWeek|offset).*", ""): "a number that means a day, or units of another component",
    ("RXO[MedicationRequest]", "RXE-19", r".*", ""): "a field of another segment; see additions.toml",
    ("TQ[ServiceRequest]", "TQ.3", r".*", ""): "a duration in words",
    ("TQ[MedicationRequest]", "TQ.3", r".*", ""): "a duration in words",
    ("PID[Appointment]", "*", r".*", ""): "the message map sets that reference",
    ("CWE[Identifier]", "*", r"\[\d\]\.name", ""): "an Identifier has no name",
    ("AL1[AllergyIntolerance]", "AL1-2", r"category\.extension.*", ""): "the original code of a list of codes has no place",
    ("OBR[Specimen]", "OBR-39", r".*", ""): "what the collector says is no note on the sample",
    ("ROL[Patient-GeneralPractitioner]", "ROL-11", r"generalPractitioner\(PractitionerRole\.Pract.*", ""): "the address of a person is not that of his role",
    ("NDL[PractitionerRole]", "*", r"\[\d\].*", ""): "where the person works is not where the result comes from",
    ("PL[Location]", "PL.1", r".*physicalType.*", ""): "a code that has yet to be made",
    ("PL[Location]", "PL.11", r".*", ""): _SYSTEM,
    ("XTN[ContactPoint]", "XTN.3", r"system\.extension.*", ""): "a channel that is not said is left out",
}  # fmt: skip
