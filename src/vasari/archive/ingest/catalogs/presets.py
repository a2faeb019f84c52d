"""Catalogs that are known by their columns, and other names that columns go by. Literal tables.

Sources: github.com/tategallery/collection (artwork_data.csv) and its compiled form, github.com/MuseumofModernArt/
collection (Artworks.csv and .json), github.com/NationalGalleryOfArt/opendata (objects.csv),
github.com/metmuseum/openaccess (MetObjects.csv).
"""

from __future__ import annotations

from typing import Any

#: Name -> who speaks, by which columns the catalog is known, and field -> columns, the best first.
PRESETS: dict[str, dict[str, Any]] = {
    "tate": {
        "by": "Tate",
        "known_by": ("artist", "dateText", "acquisitionYear", "creditLine", "thumbnailUrl"),
        "id": ("acno", "accession_number"),
        "file": ("thumbnailUrl",),
        "years": ("year_start", "year_end"),
        "fields": {
            "title": ("title",),
            "artist": ("artist",),
            "date": ("dateText",),
            "medium": ("medium",),
            "rights": ("thumbnailCopyright",),
            "url": ("url",),
            "style": ("movements",),
            "classification": ("classification",),
            "note": ("creditLine", "inscription"),
        },
        "passed_over": ("id", "artist_id", "artistId", "artistRole", "year", "dimensions", "width", "height", "depth",
                        "units", "acquisitionYear"),
    },
    "moma": {
        "by": "MoMA",
        "known_by": ("ConstituentID", "ArtistBio", "DateAcquired", "ObjectID", "Department"),
        "id": ("ObjectID",),
        "file": ("ImageURL", "ThumbnailURL"),
        "fields": {
            "title": ("Title",),
            "artist": ("Artist",),
            "date": ("Date",),
            "medium": ("Medium",),
            "url": ("URL",),
            "school": ("Nationality",),
            "classification": ("Classification", "Department"),
            "note": ("CreditLine",),
        },
        "passed_over": ("ConstituentID", "ArtistBio", "BeginDate", "EndDate", "Gender", "Dimensions", "AccessionNumber",
                        "DateAcquired", "Cataloged", "OnView"),
    },
    "nga": {
        "by": "National Gallery of Art",
        "known_by": ("objectid", "accessionnum", "displaydate", "attribution", "visualbrowsertimespan"),
        "id": ("objectid",),
        "years": ("beginyear", "endyear"),
        "fields": {
            "title": ("title",),
            "artist": ("attribution",),
            "date": ("displaydate",),
            "medium": ("medium",),
            "classification": ("classification", "subclassification"),
            "note": ("creditline", "inscription"),
        },
        "passed_over": ("accessioned", "accessionnum", "locationid", "visualbrowsertimespan", "dimensions", "markings",
                        "attributioninverted", "provenancetext", "parentid", "isvirtual", "departmentabbr"),
    },
    "met": {
        "by": "The Met",
        "known_by": ("Object Number", "Object ID", "Artist Display Name", "Object Date", "Is Public Domain"),
        "id": ("Object ID",),
        "years": ("Object Begin Date", "Object End Date"),
        "fields": {
            "title": ("Title", "Object Name"),
            "artist": ("Artist Display Name",),
            "date": ("Object Date",),
            "medium": ("Medium",),
            "place": ("City", "Region", "State", "Country"),
            "collection": ("Repository",),
            "rights": ("Rights and Reproduction",),
            "url": ("Link Resource",),
            "period": ("Period", "Dynasty", "Reign"),
            "school": ("Culture", "Artist Nationality"),
            "classification": ("Classification", "Object Name"),
            "tag": ("Tags",),
            "note": ("Credit Line",),
        },
        "passed_over": ("Object Number", "Is Highlight", "Is Timeline Work", "Is Public Domain", "Gallery Number",
                        "AccessionYear", "Dimensions", "Metadata Date"),
    },
}  # fmt: skip

#: Field or join -> names of columns that mean it, in small letters and digits alone; the best first.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "title": ("title", "titel", "titre", "titolo", "worktitle", "objecttitle", "название", "题名", "name"),
    "artist": ("artist", "creator", "maker", "author", "painter", "photographer", "artistname", "artistdisplayname",
               "attribution", "künstler", "kunstler", "fotograf", "artiste", "auteur", "autore", "художник", "автор",
               "作者"),
    "date": ("date", "datetext", "displaydate", "objectdate", "datecreated", "creationdate", "dated", "dating",
             "datierung", "datum", "data", "год", "дата", "年代", "year", "jahr", "année", "anno"),
    "medium": ("medium", "technique", "materials", "material", "technik", "tecnica", "техника"),
    "place": ("place", "location", "ort", "lieu", "luogo", "city", "место"),
    "collection": ("collection", "repository", "museum", "institution", "sammlung", "musée"),
    "rights": ("rights", "license", "licence", "copyright", "rightsstatement"),
    "url": ("url", "link", "page", "webpage", "permalink", "linkresource"),
    "style": ("style", "styles", "movement", "movements", "stil", "стиль"),
    "genre": ("genre", "genres", "жанр"),
    "period": ("period", "periods", "epoch", "epoche", "dynasty", "culture"),
    "school": ("school", "nationality", "schule", "école", "scuola", "школа"),
    "classification": ("classification", "objecttype", "category", "type", "objectname"),
    "tag": ("tag", "tags", "keyword", "keywords", "subject", "subjects", "schlagwort", "schlagworte"),
    "note": ("note", "notes", "description", "remark", "remarks", "comment", "beschreibung"),
    "id": ("id", "key", "identifier", "objectid", "accessionnumber", "inventorynumber", "inventarnummer", "inv",
           "recordid"),
    "file": ("file", "filename", "filepath", "path", "image", "imagefile", "picture", "datei", "fichier", "файл"),
    "sha256": ("sha256", "hash", "checksum", "digest"),
    "year_from": ("yearfrom", "yearstart", "beginyear", "startyear", "datefrom", "datestart", "earliest"),
    "year_to": ("yearto", "yearend", "endyear", "dateto", "dateend", "latest"),
}  # fmt: skip
