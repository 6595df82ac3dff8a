"""Commands of a 6221 that the twin does not carry out, each with the instrument's own error.

They are those of the sections of its reference manual (622x-901-01) on sweeps, delta, differential conductance, pulse
delta and waveforms, on the buffer, the trigger link and saved setups. What needs a nanovoltmeter that is not there, or
a generator of waveforms, is hardware missing (−241); what there is and cannot be done now, a settings conflict (−221);
setups that were never saved are lost (−314).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

MISSING, CONFLICT, LOST = -241, -221, -314


def _both(head: str, words: Iterable[str], code: int) -> dict[str, int]:
    """Each word of a subsystem, as a command and as a query."""
    return {f"{head}{word}{mark}": code for word in words for mark in ("", "?")}


REJECTED: Mapping[str, int] = {
    # a nanovoltmeter at the serial port
    **{f"[:SOURce]:{kind}:ARM": MISSING for kind in ("DELTa", "DCONductance", "PDELta", "WAVE")},
    **{f"[:SOURce]:{kind}:ARM?": MISSING for kind in ("DELTa", "DCONductance", "PDELta", "WAVE")},
    **{f"[:SOURce]:{kind}:NVPResent?": MISSING for kind in ("DELTa", "DCONductance", "PDELta")},
    **_both("[:SOURce]:DELTa:", ("HIGH", "LOW", "DELay", "COUNt", "CABort", "CSWitch"), MISSING),
    **_both("[:SOURce]:DCONductance:", ("STARt", "STEP", "STOP", "DELTa", "DELay", "CABort"), MISSING),
    **_both("[:SOURce]:PDELta:", ("HIGH", "LOW", "COUNt", "WIDTh", "SDELay", "LMEasure", "INTerval"), MISSING),
    **_both("[:SOURce]:PDELta:", ("RANGing", "SWEep[:STATe]"), MISSING),
    **{f":SENSe:DATA{which}?": MISSING for which in (":FRESh", ":LATest")},
    ":SENSe[:DATA]?": MISSING,
    **_both(":SENSe:AVERage:", ("TCONtrol", "WINDow", "COUNt"), MISSING),
    **_both(":SENSe:AVERage", ("[:STATe]",), MISSING),
    **_both(":UNIT:", ("VOLTage[:DC]", "POWer"), MISSING),
    **{f":TRACe:{what}?": MISSING for what in ("DATA", "FREE", "POINts:ACTual")},
    **_both(":TRACe:", ("POINts", "FEED", "FEED:CONTrol"), MISSING),
    ":TRACe:CLEar": MISSING,
    ":SYSTem:COMMunicate:SERial:SEND": MISSING,
    ":SYSTem:COMMunicate:SERial:ENTer?": MISSING,
    # a generator of waveforms
    **_both("[:SOURce]:WAVE:", ("FUNCtion", "FREQuency", "AMPLitude", "OFFSet", "DCYCle", "RANGing"), MISSING),
    **_both("[:SOURce]:WAVE:", ("DURation:TIME", "DURation:CYCLes", "EXTRig[:ENABle]", "EXTRig:ILINe"), MISSING),
    **_both("[:SOURce]:WAVE:", ("PMARk[:LEVel]", "PMARk:OLINe", "PMARk:STATe"), MISSING),
    **_both("[:SOURce]:WAVE:", ("ARBitrary:DATA", "ARBitrary:COPY"), MISSING),
    **{f"[:SOURce]:WAVE:{what}": MISSING for what in ("INITiate", "ABORt")},
    # sweeps
    **_both("[:SOURce]:SWEep:", ("SPACing", "POINts", "RANGing", "COUNt", "CABort"), CONFLICT),
    **_both("[:SOURce]:CURRent:", ("STARt", "STOP", "STEP", "CENTer", "SPAN"), CONFLICT),
    **_both("[:SOURce]:LIST:", ("CURRent", "DELay", "COMPliance"), CONFLICT),
    **{f"[:SOURce]:LIST:{what}:APPend": CONFLICT for what in ("CURRent", "DELay", "COMPliance")},
    **{f"[:SOURce]:LIST:{what}:POINts?": CONFLICT for what in ("CURRent", "DELay", "COMPliance")},
    "[:SOURce]:SWEep:ARM": CONFLICT,
    # triggers
    **_both(":TRIGger:", ("OUTPut", "OLINe", "ILINe", "DIRection"), MISSING),
    **_both(":ARM:", ("OUTPut", "OLINe", "ILINe", "DIRection"), MISSING),
    **_both(":ARM:", ("TIMer",), CONFLICT),
    ":INITiate[:IMMediate]": CONFLICT,
    "*TRG": CONFLICT,
    # saved setups
    "*SAV": LOST,
    "*RCL": LOST,
    **_both(":SYSTem:", ("POSetup",), LOST),
}
