"""Under which names headers say what the standard header asks for: the alias table of instrument and sky.

The order is that in which they are tried. Sources: the FITS standard and its dictionaries at HEASARC and NOAO, ESO's
Data Interface Control Document, the SBFITSEXT convention of amateur programs, and headers of the observatories.
"""

from __future__ import annotations

TEXTS: dict[str, tuple[str, ...]] = {
    "INSTRUME": (
        "INSTRUME", "INSTRUM", "INSTRUMENT", "CAMERA", "CAMNAME", "INSTID", "ESO INS ID", "DETNAM", "DETECTOR",
        "DETNAME", "CCDNAME", "CAMMODEL", "ESO DET NAME",
    ),
    "OBJECT": (
        "OBJECT", "TARGET", "TARGNAME", "OBJNAME", "OBJ_NAME", "OBJECTNA", "OBJID", "FIELD", "ESO OBS TARG NAME",
        "CAT-NAME", "TITLE",
    ),
    "RADESYS": ("RADESYS", "RADECSYS", "RADECSY", "COORDSYS", "OBJRADEC", "TELRADEC", "RADECS", "SYSTEM", "TELFRAME"),
}  # fmt: skip

NUMBERS: dict[str, tuple[str, ...]] = {
    "READTIME": ("READTIME", "READOUTT", "RDTIME", "RO_TIME", "ROTIME", "CCDRDTIM", "ESO DET READ TIME"),
    "RDNOISE": (
        "RDNOISE", "READNOIS", "READNOISE", "RON", "ENOISE", "RDNOIS", "RNOISE", "RD_NOISE", "CCDNOISE", "CCDRON",
        "CAMRDNOI", "CCDREAD", "READNOI", "ESO DET OUT1 RON", "ESO DET OUT RON", "ESO DET CHIP1 RON",
    ),
    "SATURATE": (
        "SATURATE", "SATLEVEL", "SATURAT", "SATUR", "SATURLEV", "SAT_LEV", "SATLIM", "MAXLIN", "LINLIMIT", "NONLINEA",
        "CCDSAT", "MAXADU",
    ),
    "CRPIX1": ("CRPIX1",),
    "CRPIX2": ("CRPIX2",),
}  # fmt: skip

AMPLIFIERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "GAIN": (
        ("GAINA", "GAINB", "GAINC", "GAIND"),
        tuple(f"GAIN{i}" for i in range(1, 17)),
        tuple(f"GAIN{i:02d}" for i in range(1, 17)),
        tuple(f"T_GAIN{i}" for i in range(1, 5)),
        tuple(f"GAIN_{i}" for i in range(1, 5)),
        tuple(f"EGAIN{i}" for i in range(1, 5)),
        ("GTGAIN11", "GTGAIN12", "GTGAIN21", "GTGAIN22"),
    ),
    "RDNOISE": (
        ("RDNOISEA", "RDNOISEB", "RDNOISEC", "RDNOISED"),
        ("READNOIA", "READNOIB"),
        tuple(f"RDNOIS{i}" for i in range(1, 17)),
        tuple(f"RDNOIS{i:02d}" for i in range(1, 17)),
        tuple(f"RDNOISE{i}" for i in range(1, 5)),
        tuple(f"RON_{i}" for i in range(1, 5)),
        ("GTRON11", "GTRON12", "GTRON21", "GTRON22"),
    ),
    "SATURATE": (("SATURATA", "SATURATB"), ("MAXLINA", "MAXLINB")),
}  # fmt: skip
"""Values of a chip's amplifiers, which stand for the chip by their mean (saturation: by the lowest)."""

LINEAR: tuple[str, ...] = ("MAXLIN", "LINLIMIT", "NONLINEA", "MAXLINA", "MAXLINB")
"""Counts above which a chip is no longer linear."""

GAINS: tuple[str, ...] = (
    "GAIN", "EGAIN", "EPERDN", "EPERADU", "EPADU", "ELECGAIN", "CCDGAIN", "GAINEFF", "CVF", "CAMGAIN", "CGAIN",
    "ESO DET OUT1 CONAD", "ESO DET OUT CONAD", "ESO DET CHIP1 CONAD", "ESO DET AD_VALUE", "ADUGAIN", "GAINCCD",
    "CCDSENS", "AVGAIN", "ESCALE", "SENSITIV",
)  # fmt: skip
INVERSE_GAINS: tuple[str, ...] = ("ESO DET OUT1 GAIN", "ESO DET OUT GAIN")
"""ESO's GAIN is ADU for each electron; its CONAD is the other way round (ESO Data Interface Control Document)."""

CAMERA_SETTINGS = frozenset({
    "OFFSET", "BLKLEVEL", "BRIGHTNS", "USBLIMIT", "USBTRAF", "BANDWIDT", "CCD-OFFS", "BLACKLEV", "PRE-GAIN",
})  # fmt: skip
"""Keywords that programs for CMOS cameras write beside GAIN, where it is the camera's setting."""

PAIRED_BINS: tuple[tuple[str, str], ...] = (
    ("XBINNING", "YBINNING"), ("CCDXBIN", "CCDYBIN"), ("XBIN", "YBIN"), ("BINX", "BINY"), ("BIN-FCT1", "BIN-FCT2"),
    ("CCDBIN1", "CCDBIN2"), ("COLBIN", "ROWBIN"), ("HBIN", "VBIN"), ("BINNING1", "BINNING2"), ("BINNINGX", "BINNINGY"),
    ("BIN1", "BIN2"), ("XBINFAC", "YBINFAC"), ("BIN_X", "BIN_Y"), ("DETXBIN", "DETYBIN"), ("CCDBINX", "CCDBINY"),
    ("ESO DET WIN1 BINX", "ESO DET WIN1 BINY"), ("ESO DET BINX", "ESO DET BINY"), ("XFACTOR", "YFACTOR"),
    ("HBINNING", "VBINNING"), ("XPIXBIN", "YPIXBIN"), ("CAMXBIN", "CAMYBIN"),
)  # fmt: skip
SINGLE_BINS: tuple[str, ...] = ("BIN", "BINNING", "CCDSUM", "CCDBIN", "BINMODE", "BINFAC", "CAMBIN", "SUMMING")

SCALES: tuple[tuple[str, str], ...] = (
    ("SECPIX1", "SECPIX2"), ("PIXSCAL1", "PIXSCAL2"), ("SECPIX", "SECPIX"), ("PIXSCALE", "PIXSCALE"),
    ("PIXSCAL", "PIXSCAL"),
    ("CCDSCALE", "CCDSCALE"), ("PIXSCL", "PIXSCL"), ("SECPPIX", "SECPPIX"), ("SCALE", "SCALE"),
    ("PIXSCALX", "PIXSCALY"), ("IMSCALE", "IMSCALE"), ("PLTSCALE", "PLTSCALE"),
    ("INSTSCAL", "INSTSCAL"), ("ARCSECPP", "ARCSECPP"), ("ESO INS PIXSCALE", "ESO INS PIXSCALE"),
    ("XPIXSCAL", "YPIXSCAL"), ("PIXELSCA", "PIXELSCA"), ("APSCALE", "APSCALE"),
)  # fmt: skip

BINNED_PIXELS: tuple[tuple[str, str], ...] = (("XPIXSZ", "YPIXSZ"),)
"""Sizes of pixels that are of the binned pixel by their convention (SBFITSEXT), unless the comment says otherwise."""

BARE_PIXELS: tuple[tuple[str, str], ...] = (
    ("PIXSIZE1", "PIXSIZE2"), ("XPIXELSZ", "YPIXELSZ"), ("PIXSIZEX", "PIXSIZEY"), ("CCDXPIXE", "CCDYPIXE"),
    ("XPIXSIZE", "YPIXSIZE"), ("PIXWIDTH", "PIXHEIGH"), ("DETXPIXE", "DETYPIXE"), ("CCDPXSZX", "CCDPXSZY"),
    ("ESO DET CHIP1 PSZX", "ESO DET CHIP1 PSZY"), ("ESO DET CHIP PXSPACE", "ESO DET CHIP PXSPACE"),
    ("ESO DET PIXSIZE", "ESO DET PIXSIZE"), ("PIXSIZE", "PIXSIZE"), ("PIXELSZ", "PIXELSZ"), ("PIXELSIZ", "PIXELSIZ"),
    ("PIXSZ", "PIXSZ"), ("PIXEL", "PIXEL"),
)  # fmt: skip
"""Sizes of the detector's own pixels: binned pixels are so many times larger."""

FOCAL_LENGTHS: tuple[str, ...] = ("FOCALLEN", "FOCAL", "FOCLEN", "FOCALLENGTH", "TELFOCLE", "FOCALLEN1")

TYPES: tuple[str, ...] = (
    "OBSTYPE", "IMAGETYP", "EXPTYPE", "FRAMETYP", "FRAME", "IMGTYPE", "IMTYPE", "OBS_TYPE", "OBS-TYPE", "DATA-TYP",
    "PICTTYPE", "ESO DPR TYPE", "VIMTYPE", "T_PURPOS", "OBSCLASS", "EXPTYP", "DATATYPE", "FLAVOR",
)  # fmt: skip
TYPE_WORDS: tuple[tuple[str, str], ...] = (
    (r"bias|zero|offset frame", "bias"),
    (r"darks?|dark ?flats?|flat ?darks?", "dark"),
    (r"flats?|flat ?fields?|(?:sky|dome|twilight) ?flats?|dome|twilight|ff", "flat"),
    (r"arc|lamp|comp|comparison|wave|hartmann", "arc"),
    (r"focus|foc", "focus"),
    (r"light|object|obj|science|sci|expose|exposure|target|sky|standard|std|astro|lights|acq|acquisition|master light",
     "object"),
)  # fmt: skip
"""Words in the type of a frame, and what it is then; tried in turn."""
TYPE_NUMBERS: dict[str, str] = {"1": "object", "2": "dark", "3": "flat", "4": "bias"}
"""SBIG's PICTTYPE: 1 light, 2 dark, 3 flat (and 4 bias, in programs that write one)."""

FILTERS: tuple[str, ...] = (
    "FILTER", "FILTERS", "FILTNAM", "FILTNAME", "FILTERNAME", "FILTER_NAME",
    "FILTERNM", "FILTER_N", "FILT", "INSFLNAM", "CCDFLTID", "WFFBAND",
    "JAGFBAND",
    "ACAMFILT", "FILTERID", "FILTNAM1", "FILTERNA", "FLTNAME", "FILT_ID", "FLT_ID", "FILTID", "INSFILTE", "CAMFILT",
    "FILTBAND", "BAND", "PHOTBAND", "RFILTER", "BFILTER", "SUBFILT", "IFILTER", "FILTE", "FWNAME", "CURRFILT",
    "FPA.FILTER", "FPA.FILTERID", "REDFILT", "BLUFILT", "DWFILNAM",
)  # fmt: skip
WHEELS: tuple[tuple[str, ...], ...] = (
    tuple(f"FILTER{i}" for i in range(1, 9)),
    tuple(f"FILTER{i:02d}" for i in range(1, 9)),
    ("FILTERA", "FILTERB", "FILTERC"),
    tuple(f"WHEEL{i}" for i in range(1, 4)),
    ("FILTNAM1", "FILTNAM2", "FILTNAM3"),
    ("FILT1", "FILT2", "FILT3"),
    tuple(f"ESO INS FILT{i} NAME" for i in range(1, 6)),
    tuple(f"ESO INS OPTI-{i} NAME" for i in range(1, 12)),
    tuple(f"ESO INS OPTI{i} NAME" for i in range(1, 6)),
    ("ALFLTNM", "FAFLTNM", "FBFLTNM"),
    ("NCFLTNM1", "NCFLTNM2"),
    ("STFLTNM", "ACAMWH1", "ACAMWH2"),
    ("ACAMFSLI", "ACAMFWHE"),
    ("FLTRNM1", "FLTRNM2"),
    ("FW1", "FW2"),
    ("FILTERI1", "FILTERI2", "FILTERI3"),
)  # fmt: skip
"""Keywords of the wheels (and slides) of one instrument: all but one say that they are open."""
POSITIONS: tuple[str, ...] = (
    "FILTPOS", "FILTNUM", "FILTERNO", "FILTNO", "FLTPOS", "CCDFILT", "FWPOS", "FILTERPO", "FILTERNU", "BANDPASS",
)  # fmt: skip
"""Keywords that only ever hold the position of a wheel, or a code."""

BAYER_KEYS: tuple[str, ...] = (
    "BAYERPAT", "BAYERPATTERN", "BAYPAT", "BAYRPAT", "CFA-PAT", "CFAPAT", "CFAPATTERN", "BAYER", "CFA", "COLORTYP",
    "COLORTYPE",
)  # fmt: skip

EQUINOXES: tuple[str, ...] = (
    "EQUINOX", "EPOCH", "OBJEQUIN", "CAT-EPOC", "OBJCTEQ", "RADECEQ", "RADEC_EQ", "COOEPOCH", "COORDEQ", "TELEQUIN",
    "EQUINOXC", "OBJEPOCH", "TELEPOCH", "EQUIN", "ESO TEL TARG EQUINOX",
)  # fmt: skip

POSITIONS_ON_SKY: tuple[tuple[str, str, str], ...] = (
    ("RA", "DEC", ""), ("OBJCTRA", "OBJCTDEC", "J2000"), ("RA2000", "DEC2000", "J2000"), ("RA_DEG", "DEC_DEG", ""),
    ("RA-D", "DEC-D", ""), ("RA-DEG", "DEC-DEG", ""),
    ("RADEG", "DECDEG", ""), ("RA_OBS", "DEC_OBS", ""), ("RA-OBS", "DEC-OBS", ""),
    ("TELRA", "TELDEC", ""), ("TEL-RA", "TEL-DEC", ""), ("TELERA", "TELEDEC", ""), ("RATEL", "DECTEL", ""),
    ("RA_TEL", "DEC_TEL", ""), ("MOUNTRA", "MOUNTDEC", ""), ("RA-MNT", "DEC-MNT", ""), ("CENTRA", "CENTDEC", ""),
    ("RACENT", "DECCENT", ""), ("RA_CENT", "DEC_CENT", ""), ("CAT-RA", "CAT-DEC", ""), ("OBJRA", "OBJDEC", ""),
    ("OBJ_RA", "OBJ_DEC", ""), ("OBJ-RA", "OBJ-DEC", ""), ("RAOBJ2K", "DECOBJ2K", "J2000"), ("RA_TARG", "DEC_TARG", ""),
    ("TARGRA", "TARGDEC", ""), ("TARRA", "TARDEC", ""),
    ("POINTRA", "POINTDEC", ""), ("RA_OBJ", "DEC_OBJ", "DATE"), ("RAJ2000", "DECJ2000", "J2000"),
    ("RAJ2000", "DEJ2000", "J2000"), ("RA_J2000", "DEC_J2000", "J2000"), ("OBSRA", "OBSDEC", ""),
    ("RA_PNT", "DEC_PNT", ""), ("CRTRA", "CRTDEC", ""), ("RASTRNG", "DECSTRNG", ""), ("RA_HMS", "DEC_DMS", ""),
    ("RIGHTASC", "DECLINAT", ""), ("ALPHA", "DELTA", ""), ("RA1", "DEC1", ""), ("TCSRA", "TCSDEC", ""),
    ("ESO TEL TARG ALPHA", "ESO TEL TARG DELTA", "PACKED"),
)  # fmt: skip
"""Pairs of keywords with a position, and what the names themselves say: the equinox, or how the digits are packed."""


def aliases() -> dict[str, tuple[str, ...]]:
    """Return the names of each standard keyword of instrument and sky, in the order in which they are tried."""
    chips = {key: tuple(name for row in rows for name in row) for key, rows in AMPLIFIERS.items()}
    found = {key: (*names, *chips.get(key, ())) for key, names in (TEXTS | NUMBERS).items()}
    found["GAIN"] = (*GAINS, *INVERSE_GAINS, *chips["GAIN"])
    found["BIN"] = (*SINGLE_BINS, *(name for pair in PAIRED_BINS for name in pair))
    found["OBSTYPE"], found["EQUINOX"] = TYPES, EQUINOXES
    found["FILTER"] = (*FILTERS, *(name for wheel in WHEELS for name in wheel), *POSITIONS, *BAYER_KEYS)
    for axis in (0, 1):
        found[f"CDELTA{axis + 1}"] = tuple(pair[axis] for pair in SCALES)
        found[f"PIXSIZE{axis + 1}"] = tuple(pair[axis] for pair in (*BINNED_PIXELS, *BARE_PIXELS))
        found[("RA", "DEC")[axis]] = tuple(row[axis] for row in POSITIONS_ON_SKY)
    return {key: tuple(dict.fromkeys(names)) for key, names in found.items()}
