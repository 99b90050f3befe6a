"""A header from a few cards, and what was understood of its place."""

from __future__ import annotations

from cpcs.mappings import Rule
from photocal.headers.cards import Header, card
from photocal.headers.site_block import SiteBlock, site_block
from photocal.headers.standard import Finding, Given


def header(*images: str) -> Header:
    return Header(found for found in map(card, images) if found is not None)


def placed(*images: str, mjd: float | None = None, given: Given | None = None, **rules: Rule) -> SiteBlock:
    return site_block(header(*images), rules, given or Given(), mjd=mjd)


def found(block: SiteBlock, keyword: str) -> Finding:
    return next(finding for finding in block.findings if finding.keyword == keyword)


def codes(block: SiteBlock) -> list[str]:
    return [remark.code for remark in block.remarks]
