"""Which names may stand in Verilog: simple identifiers that no reader of it takes for a keyword."""

import re

from qlif.model.exceptions import InputError, show

LONGEST = 1024
"""Every tool must accept names of this length (IEEE 1364-2005, 3.7.1)."""
_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""The standard has $ in names too, which makefiles and C++ don't."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


VERILOG = _words("""
always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign default defparam
design disable edge else end endcase endconfig endfunction endgenerate endmodule endprimitive endspecify endtable
endtask event for force forever fork function generate genvar highz0 highz1 if ifnone incdir include initial inout
input instance integer join large liblist library localparam macromodule medium module nand negedge nmos nor
noshowcancelled not notif0 notif1 or output parameter pmos posedge primitive pull0 pull1 pulldown pullup
pulsestyle_ondetect pulsestyle_onevent rcmos real realtime reg release repeat rnmos rpmos rtran rtranif0 rtranif1
scalared showcancelled signed small specify specparam strong0 strong1 supply0 supply1 table task time tran tranif0
tranif1 tri tri0 tri1 triand trior trireg unsigned use uwire vectored wait wand weak0 weak1 while wire wor xnor xor
""")
"""IEEE 1364-2005, annex B."""

SYSTEM_VERILOG = _words("""
accept_on alias always_comb always_ff always_latch assert assume before bind bins binsof bit break byte chandle
checker class clocking const constraint context continue cover covergroup coverpoint cross dist do endchecker
endclass endclocking endgroup endinterface endpackage endprogram endproperty endsequence enum eventually expect
export extends extern final first_match foreach forkjoin global iff ignore_bins illegal_bins implements implies
import inside int interconnect interface intersect join_any join_none let local logic longint matches modport
nettype new nexttime null package packed priority program property protected pure rand randc randcase randsequence
ref reject_on restrict return s_always s_eventually s_nexttime s_until s_until_with sequence shortint shortreal soft
solve static string strong struct super sync_accept_on sync_reject_on tagged this throughout timeprecision timeunit
type typedef union unique unique0 until until_with untyped var virtual void wait_order weak wildcard with within
""")
"""What IEEE 1800-2017, annex B, has beyond that."""

VERILOG_AMS = _words("""
above abs absdelay absdelta abstol access acos acosh ac_stim aliasparam analog analysis asin asinh assert atan atan2
atanh branch ceil connect connectmodule connectrules continuous cos cosh cross ddt ddt_nature ddx discipline
discrete domain driver_update endconnectrules enddiscipline endnature endparamset exclude exp final_step
flicker_noise floor flow from ground hypot idt idtmod idt_nature inf initial_step laplace_nd laplace_np laplace_zd
laplace_zp last_crossing limexp ln log max merged min nature net_resolution noise_table noise_table_log paramset
potential pow resolveto sin sinh slew split sqrt string tan tanh timer transition units white_noise wreal zi_nd
zi_np zi_zd zi_zp
""")
"""What Verilog-AMS 2.4, annex B, has beyond Verilog."""

VHDL = _words("""
abs access after alias all and architecture array assert assume assume_guarantee attribute begin block body buffer
bus case component configuration constant context cover default disconnect downto else elsif end entity exit
fairness file for force function generate generic group guarded if impure in inertial inout is label library linkage
literal loop map mod nand new next nor not null of on open or others out package parameter port postponed procedure
process property protected pure range record register reject release rem report restrict restrict_guarantee return
rol ror select sequence severity shared signal sla sll sra srl strong subtype then to transport type unaffected
units until use variable vmode vprop vunit wait when while with xnor xor
""")
"""IEEE 1076-2008, 15.10; VHDL doesn't tell capitals from small letters."""


def reserved_in(name: str) -> str | None:
    """Return the language that reserves a name; None if none of those does that may read our Verilog."""
    for language, words in (
        ("Verilog", VERILOG),
        ("SystemVerilog", SYSTEM_VERILOG),
        ("Verilog-AMS", VERILOG_AMS),
    ):
        if name in words:
            return language
    return "VHDL" if name.lower() in VHDL else None


def check_identifier(what: str, name: str) -> str:
    """Return a name that may stand in Verilog, in a script of Yosys, in C++ and in a file's name.

    A word that only Verilog-AMS or VHDL reserves passes: it is legal Verilog.

    Raises
    ------
    InputError
        It isn't a simple identifier (IEEE 1364-2005, 3.7), or is reserved.
    """
    if not _SIMPLE.fullmatch(name) or len(name) > LONGEST:
        raise InputError(
            f"{what} must be a Verilog identifier (letters, digits and _, no digit first), not {show(name)}"
        )
    if name in VERILOG | SYSTEM_VERILOG:
        raise InputError(f"{what} must be a name, not {name!r}: {reserved_in(name)} reserves it")
    return name
