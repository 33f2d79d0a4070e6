"""The shape of NHS numbers: ten digits with a modulus-11 check digit, of a known range."""

import nhs_number


def normal_nhs_number(text: str) -> str | None:
    """The ten digits of a valid number of England (or of the range kept for made-up people), else None."""
    standard = nhs_number.standardise_format(text)
    if not standard:
        return None
    regions = (nhs_number.REGION_ENGLAND_WALES_IOM, nhs_number.REGION_SYNTHETIC)
    return str(standard) if any(nhs_number.is_valid(standard, for_region=region) for region in regions) else None
