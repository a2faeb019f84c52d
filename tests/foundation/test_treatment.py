"""The record of a treatment: JSON beside the result, XMP inside it."""

from __future__ import annotations

import dataclasses
from xml.etree import ElementTree

import pytest

from vasari.foundation.errors import PlanError
from vasari.foundation.treatment import (
    SOURCE_TYPES,
    FileFacts,
    ModelFacts,
    SourceFacts,
    Stage,
    Treatment,
    read_treatment,
)
from vasari.foundation.treatment_xmp import LARGEST_JPEG_PACKET_BYTES, RDF, merged, with_size

RECORD = Treatment(
    operation="restore",
    version="0.1.0",
    created="2026-01-02T03:04:05Z",
    job="ab" * 32,
    source=SourceFacts("/scans/Großmutter & <ich>.tif", "cd" * 32, 12345, 1, 3),
    models=(ModelFacts("restore-faithful", "ef" * 32, 0.7), ModelFacts("restore-vivid", "01" * 32, 0.3)),
    plan={"vividness": 0.3, "stages": ["tone", "repair"]},
    seed=0,
    stages=(Stage("tone", "fading undone", {"mean_change": 0.1}), Stage("repair", "scratches filled")),
    digital_source_type=SOURCE_TYPES["composite"],
    machine={"precision": "float32"},
    result=FileFacts("a.tif", "23" * 32, 99),
    evidence=(FileFacts("a.damage.png", "45" * 32, 9),),
)
NAMES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "stRef": "http://ns.adobe.com/xap/1.0/sType/ResourceRef#",
    "ext": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "vasari": "urn:x-vasari:treatment:1.0:",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
}
# As Lightroom writes it: properties as attributes, its own prefixes, a history.
SOURCE_PACKET = b"""<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 5.6">
 <r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <r:Description r:about="" xmlns:mm="http://ns.adobe.com/xap/1.0/mm/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:e="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" mm:DocumentID="xmp.did:old"
    mm:InstanceID="xmp.iid:old"
    Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/print" lr:private="kept">
   <dc:creator><r:Seq><r:li>Anna Atkins</r:li></r:Seq></dc:creator>
   <mm:History><r:Seq><r:li e:action="saved" e:when="2019-01-01T00:00:00"/></r:Seq></mm:History>
  </r:Description>
 </r:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def rdf(packet: bytes | None) -> ElementTree.Element:
    assert packet is not None
    found = ElementTree.fromstring(packet).find("rdf:RDF", NAMES)
    assert found is not None
    return found


def text(packet: bytes | None, path: str) -> str | None:
    return rdf(packet).findtext(f"rdf:Description/{path}", namespaces=NAMES)


def test_a_record_comes_back_from_its_file(tmp_path) -> None:
    path = tmp_path / "a.treatment.json"
    path.write_bytes(RECORD.to_json())
    assert read_treatment(path) == RECORD


@pytest.mark.parametrize(
    "bad", ["", "{}", "[]", '{"format": "vasari-treatment/9"}', '{"format": "vasari-treatment/1"}', "\x00"]
)
def test_what_is_no_record_is_told(tmp_path, bad: str) -> None:
    (tmp_path / "x.json").write_text(bad)
    with pytest.raises(PlanError, match="no treatment record"):
        read_treatment(tmp_path / "x.json")
    with pytest.raises(PlanError, match="cannot be read"):
        read_treatment(tmp_path / "missing.json")


@pytest.mark.parametrize("packet", [None, b"", b"\x00\x00"])
def test_a_picture_without_a_packet_gets_one(packet: bytes | None) -> None:
    new = merged(packet, RECORD)
    assert text(new, "ext:DigitalSourceType") == SOURCE_TYPES["composite"]
    assert text(new, "vasari:SourceSHA256") == "cd" * 32
    assert text(new, "xmpMM:DerivedFrom/stRef:filePath") == "Großmutter & <ich>.tif"
    assert text(new, "xmpMM:History/rdf:Seq/rdf:li/stEvt:when") == RECORD.created
    assert merged(packet, RECORD) == new


def test_an_existing_packet_keeps_all_that_is_not_about_the_file_itself() -> None:
    new = merged(SOURCE_PACKET, RECORD)
    root = rdf(new)
    first = root.find("rdf:Description", NAMES)
    assert first is not None
    assert first.get(f"{{{NAMES['lr']}}}private") == "kept"
    assert text(new, "dc:creator/rdf:Seq/rdf:li") == "Anna Atkins"
    entries = root.findall(".//xmpMM:History/rdf:Seq/rdf:li", NAMES)
    assert entries[0].get(f"{{{NAMES['stEvt']}}}action") == "saved"
    assert entries[1].findtext("stEvt:action", namespaces=NAMES) == "derived"
    everything = new.decode() if new else ""
    assert everything.count("DigitalSourceType") == 2  # one element: its start and its end
    assert "digitalsourcetype/print" not in everything
    assert text(new, "xmpMM:OriginalDocumentID") == "xmp.did:old"
    assert text(new, "xmpMM:DerivedFrom/stRef:instanceID") == "xmp.iid:old"


def test_a_second_treatment_replaces_the_first_and_continues_its_history() -> None:
    later = dataclasses.replace(
        RECORD, job="99" * 32, created="2027-01-01T00:00:00Z", digital_source_type=SOURCE_TYPES["enhanced"]
    )
    root = rdf(merged(merged(SOURCE_PACKET, RECORD), later))
    assert len(root.findall(".//vasari:Plan", NAMES)) == 1
    assert len(root.findall(".//ext:DigitalSourceType", NAMES)) == 1
    assert len(root.findall(".//xmpMM:History/rdf:Seq/rdf:li", NAMES)) == 3
    assert len(root.findall(".//xmpMM:OriginalDocumentID", NAMES)) == 1


BOMB = b'<!DOCTYPE a [<!ENTITY b "cc">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&b;</x:xmpmeta>'


@pytest.mark.parametrize(
    "bad", [b"<not xml", b"<a/>", BOMB, b"\xff\xfe", SOURCE_PACKET.replace(b"kept", b"k" * 70_000)]
)
def test_a_packet_that_cannot_be_merged_is_left_to_the_caller(bad: bytes) -> None:
    assert merged(bad, RECORD, LARGEST_JPEG_PACKET_BYTES) is None


@pytest.mark.parametrize("packet", [SOURCE_PACKET, b"<x", b"<!DOCTYPE x><x/>", b"<x/>"])
def test_a_packet_without_sizes_stays_as_it_is(packet: bytes) -> None:
    assert with_size(packet, 80, 60, 2) is packet


def test_a_document_type_is_refused_in_every_encoding() -> None:
    body = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"/></x:xmpmeta>'
    typed = f'<!DOCTYPE x [<!ENTITY a "b">]>{body}'
    assert merged(b"\xfe\xff" + body.encode("utf-16-be"), RECORD) is not None
    assert merged(b"\xfe\xff" + typed.encode("utf-16-be"), RECORD) is None
    assert merged(typed.encode(), RECORD) is None


def test_a_density_of_thousands_of_digits_stays() -> None:
    about = f'rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:XResolution="{"9" * 5000}"'
    packet = f'<rdf:RDF xmlns:rdf="{RDF}"><rdf:Description {about} tiff:ImageWidth="40"/></rdf:RDF>'
    sized = with_size(packet.encode(), 80, 60, 2)
    assert b'"80"' in sized and f'"{"9" * 5000}"'.encode() in sized


def test_characters_that_xml_cannot_hold_do_not_break_the_packet() -> None:
    source = dataclasses.replace(RECORD.source, path="/scans/a\x01\udcff.tif")
    assert (
        text(merged(None, dataclasses.replace(RECORD, source=source)), "xmpMM:DerivedFrom/stRef:filePath") == "a??.tif"
    )
