"""The register map in the languages of other tools, each a function of the one description."""

from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape

from qlif.hdl.ip.registers import (
    ADDRESS_BITS,
    SIGNATURE_REGISTERS,
    Access,
    Field,
    Register,
    RegisterMap,
)
from qlif.hdl.verilog import GENERATED

_RDL = {
    Access.CONSTANT: "sw=r; hw=na;",
    Access.STATUS: "sw=r; hw=w;",
    Access.CONTROL: "sw=rw; hw=r;",
    Access.FLAG: "sw=rw; onwrite=woclr; hw=rw; hwset;",
    Access.PORT: "sw=rw; hw=rw;",
    Access.START: "sw=w; hw=r; singlepulse;",
}
_XML_ACCESS = {access: "read-write" if access.is_writable else "read-only" for access in Access} | {
    Access.START: "write-only"
}


def register_files(
    registers: RegisterMap, version: str, expected: tuple[int, int] | None = None
) -> Mapping[str, str]:
    """Return every file, by its name.

    Parameters
    ----------
    registers : RegisterMap
    version : str
        Of this package, which IP-XACT and SVD ask for.
    expected : (int, int), optional
        Of a self-test: number of timesteps, and the golden model's signature after them.
    """
    name = registers.name
    return {
        f"{name}.rdl": system_rdl(registers),
        f"{name}.svd": svd(registers, version),
        f"{name}_regs.h": c_header(registers, expected),
        f"{name}_pkg.sv": systemverilog_package(registers),
        f"{name}.md": markdown(registers),
        f"{name}_driver.py": python_driver(registers, expected),
    }


def _fields(registers: RegisterMap) -> Iterator[tuple[Register, Field]]:
    for register in registers.registers:
        for field in register.fields:
            yield register, field


def system_rdl(registers: RegisterMap) -> str:
    """Return SystemRDL 2.0."""
    lines = [
        f"// {GENERATED}",
        f"addrmap {registers.name} {{",
        "  default regwidth = 32;",
        "  default accesswidth = 32;",
    ]
    for register in registers.registers:
        lines += ["  reg {", f'    desc = "{register.meaning}.";']
        for field in register.fields:
            reset = (
                ""
                if field.access is Access.STATUS or field.access is Access.PORT
                else f" = 0x{field.reset:x}"
            )
            lines += [
                f'    field {{ desc = "{field.meaning}"; {_RDL[field.access]} }} '
                f"{field.name}_f[{field.low + field.width - 1}:{field.low}]{reset};"
            ]
        lines.append(f"  }} {register.name} @ 0x{register.offset:x};")
    return "\n".join([*lines, "};", ""])


def svd(registers: RegisterMap, version: str) -> str:
    """Return CMSIS-SVD of one peripheral, at address 0."""
    name = registers.name.upper()
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f"<!-- {GENERATED} -->",
        '<device schemaVersion="1.3" xmlns:xs="http://www.w3.org/2001/XMLSchema-instance" '
        'xs:noNamespaceSchemaLocation="CMSIS-SVD.xsd">',
        f"<name>{name}</name><version>{version}</version><description>{name}</description>",
        "<addressUnitBits>8</addressUnitBits><width>32</width><size>32</size>",
        f"<peripherals><peripheral><name>{name}</name><baseAddress>0x0</baseAddress>",
        f"<addressBlock><offset>0x0</offset><size>0x{1 << ADDRESS_BITS:x}</size>",
        "<usage>registers</usage></addressBlock>",
        "<registers>",
    ]
    for register in registers.registers:
        lines += [
            f"<register><name>{register.name}</name><description>{escape(register.meaning)}</description>",
            f"<addressOffset>0x{register.offset:x}</addressOffset><resetValue>0x{register.reset:x}</resetValue><fields>",
        ]
        for field in register.fields:
            clears = (
                "<modifiedWriteValues>oneToClear</modifiedWriteValues>" if field.access is Access.FLAG else ""
            )
            lines += [
                f"<field><name>{field.name}</name><description>{escape(field.meaning)}</description>"
                f"<bitOffset>{field.low}</bitOffset><bitWidth>{field.width}</bitWidth>"
                f"<access>{_XML_ACCESS[field.access]}</access>{clears}</field>"
            ]
        lines.append("</fields></register>")
    return "\n".join([*lines, "</registers></peripheral></peripherals></device>", ""])


def ip_xact(
    registers: RegisterMap, version: str, ports: Mapping[str, tuple[str, int]], files: list[str]
) -> str:
    """Return IP-XACT 2014: memory map, ports and files.

    Parameters
    ----------
    registers : RegisterMap
    version : str
    ports : mapping of str to (str, int)
        Direction (``in``, ``out``) and width of each port of the module.
    files : list of str
        Of its Verilog.
    """
    name = registers.name
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f"<!-- {GENERATED} -->",
        '<ipxact:component xmlns:ipxact="http://www.accellera.org/XMLSchema/IPXACT/1685-2014">',
        f"<ipxact:vendor>qlif</ipxact:vendor><ipxact:library>neuron</ipxact:library><ipxact:name>{name}</ipxact:name>"
        f"<ipxact:version>{version}</ipxact:version>",
        "<ipxact:memoryMaps><ipxact:memoryMap><ipxact:name>s_axi</ipxact:name><ipxact:addressBlock>"
        "<ipxact:name>registers</ipxact:name><ipxact:baseAddress>0</ipxact:baseAddress>"
        f"<ipxact:range>{1 << ADDRESS_BITS}</ipxact:range><ipxact:width>32</ipxact:width>",
    ]
    for register in registers.registers:
        lines.append(
            f"<ipxact:register><ipxact:name>{register.name}</ipxact:name>"
            f"<ipxact:description>{escape(register.meaning)}</ipxact:description>"
            f"<ipxact:addressOffset>{register.offset}</ipxact:addressOffset><ipxact:size>32</ipxact:size>"
        )
        for field in register.fields:
            clears = "<ipxact:modifiedWriteValue>oneToClear</ipxact:modifiedWriteValue>"
            lines.append(
                f"<ipxact:field><ipxact:name>{field.name}</ipxact:name>"
                f"<ipxact:description>{escape(field.meaning)}</ipxact:description>"
                f"<ipxact:bitOffset>{field.low}</ipxact:bitOffset><ipxact:resets><ipxact:reset>"
                f"<ipxact:value>{field.reset}</ipxact:value></ipxact:reset></ipxact:resets>"
                f"<ipxact:bitWidth>{field.width}</ipxact:bitWidth>"
                f"<ipxact:access>{_XML_ACCESS[field.access]}</ipxact:access>"
                f"{clears if field.access is Access.FLAG else ''}</ipxact:field>"
            )
        lines.append("</ipxact:register>")
    lines.append("</ipxact:addressBlock></ipxact:memoryMap></ipxact:memoryMaps><ipxact:model><ipxact:ports>")
    for port, (direction, width) in ports.items():
        bounds = f"<ipxact:left>{width - 1}</ipxact:left><ipxact:right>0</ipxact:right>"
        vector = (
            f"<ipxact:vectors><ipxact:vector>{bounds}</ipxact:vector></ipxact:vectors>" if width > 1 else ""
        )
        lines.append(
            f"<ipxact:port><ipxact:name>{port}</ipxact:name><ipxact:wire>"
            f"<ipxact:direction>{direction}</ipxact:direction>{vector}</ipxact:wire></ipxact:port>"
        )
    lines.append(
        "</ipxact:ports></ipxact:model><ipxact:fileSets><ipxact:fileSet><ipxact:name>rtl</ipxact:name>"
    )
    for file in files:
        lines.append(
            f"<ipxact:file><ipxact:name>{escape(file)}</ipxact:name>"
            "<ipxact:fileType>verilogSource</ipxact:fileType></ipxact:file>"
        )
    return "\n".join([*lines, "</ipxact:fileSet></ipxact:fileSets></ipxact:component>", ""])


def c_header(registers: RegisterMap, expected: tuple[int, int] | None = None) -> str:
    """Return offsets, masks and shifts as macros; and what a self-test is to end with."""
    name = registers.name.upper()
    lines = [f"/* {GENERATED} */", f"#ifndef {name}_REGS_H", f"#define {name}_REGS_H", ""]
    for register in registers.registers:
        at = f"{name}_{register.name.upper()}"
        lines.append(f"#define {at} 0x{register.offset:02x}u /* {register.meaning} */")
        for field in register.fields:
            of = f"{at}_{field.name.upper()}"
            lines.append(f"#define {of}_SHIFT {field.low}u /* {field.meaning} */")
            lines.append(f"#define {of}_MASK 0x{field.mask:08x}u")
            if field.access is Access.CONSTANT:
                lines.append(f"#define {of}_VALUE 0x{field.reset:x}u")
    if expected is not None:
        timesteps, signature = expected
        lines.append(f"#define {name}_SELFTEST_EXPECTED_TIMESTEPS {timesteps}u")
        for place, part in enumerate(SIGNATURE_REGISTERS):
            word = signature >> 32 * place & 0xFFFFFFFF
            lines.append(f"#define {name}_{part.upper()}_EXPECTED 0x{word:08x}u")
    return "\n".join([*lines, "", "#endif", ""])


def systemverilog_package(registers: RegisterMap) -> str:
    """Return the same as a package of SystemVerilog."""
    name = registers.name
    lines = [f"// {GENERATED}", f"package {name}_pkg;"]
    for register in registers.registers:
        at = register.name.upper()
        lines.append(f"  localparam logic [31:0] {at} = 32'h{register.offset:x};  // {register.meaning}")
        for field in register.fields:
            lines.append(f"  localparam logic [31:0] {at}_{field.name.upper()}_MASK = 32'h{field.mask:x};")
            lines.append(f"  localparam int {at}_{field.name.upper()}_SHIFT = {field.low};")
    return "\n".join([*lines, "endpackage", ""])


def markdown(registers: RegisterMap) -> str:
    """Return a page."""
    lines = [
        f"# Registers of {registers.name}",
        "",
        f"{GENERATED} Offsets in bytes; every register has 32 bits.",
        "",
    ]
    lines += [
        "| offset | register | bits | field | access | reset | meaning |",
        "|---|---|---|---|---|---|---|",
    ]
    for register, field in _fields(registers):
        bits = f"{field.low + field.width - 1}:{field.low}" if field.width > 1 else f"{field.low}"
        lines.append(
            f"| 0x{register.offset:02x} | {register.name} | {bits} | {field.name} | {field.access} | "
            f"0x{field.reset:x} | {register.meaning}: {field.meaning} |"
        )
    return "\n".join([*lines, ""])


def python_driver(registers: RegisterMap, expected: tuple[int, int] | None = None) -> str:
    """Return a driver over any pair of functions that read and write 32 bits at an address."""
    offsets = "".join(f"    {one.name!r}: 0x{one.offset:02x},\n" for one in registers.registers)
    fields = "".join(
        f"    ({register.name!r}, {field.name!r}): ({field.low}, {field.width}),\n"
        for register, field in _fields(registers)
    )
    identification = registers["id"].reset
    major = registers["version"].reset >> 16
    names = [one.name for one in registers.registers]
    parameters = _PARAMETERS if "parameter_word" in names else ""
    clock = expectation = self_test = ""
    if "selftest" in names:
        clock, self_test = "\nimport time\n", _SELF_TEST
    if expected is not None:
        timesteps, signature = expected
        expectation = (
            f"EXPECTED = {timesteps}, 0x{signature:032x}\n"
            '"""The self-test: its timesteps, and the golden model\'s signature after them."""\n'
        )
    return f'''\
"""Driver of {registers.name}. {GENERATED}"""
{clock}
OFFSETS = {{
{offsets}}}
FIELDS = {{
{fields}}}
{expectation}

class Qlif:
    """The registers, over ``read(address)`` and ``write(address, word)`` of 32 bits.

    RuntimeError if something else is at that address, or another version of it.
    """

    def __init__(self, read, write, base=0):
        self._read, self._write, self._base = read, write, base
        if self.read("id") != 0x{identification:08x}:
            raise RuntimeError(f"there is no {registers.name} at {{base:#x}}")
        if self.field("version", "major") != {major}:
            raise RuntimeError("its registers have another version than this driver, {major}")

    def read(self, register):
        """Return a register."""
        return self._read(self._base + OFFSETS[register])

    def write(self, register, word):
        """Write a register."""
        self._write(self._base + OFFSETS[register], word)

    def field(self, register, field):
        """Return a field."""
        low, width = FIELDS[register, field]
        return self.read(register) >> low & ((1 << width) - 1)

    def enable(self, on=True):
        """Begin timesteps, or end with the present one."""
        self.write("control", int(on))

    def restart(self):
        """Reset the neurons; returns when they are. Results have to be taken meanwhile."""
        self.write("control", self.read("control") | 2)
        while self.field("status", "restarting"):
            pass

    def flags(self):
        """Return the names of the flags that are set, and clear them."""
        word = self.read("flags")
        self.write("flags", word)
        return [name for (register, name), (low, _) in FIELDS.items() if register == "flags" and word >> low & 1]
{parameters}{self_test}'''


_PARAMETERS = '''
    def parameter(self, select, word=None, neuron=0):
        """Return a parameter's word, or write it; that happens between two timesteps."""
        self.write("parameter_select", select)
        self.write("parameter_neuron", neuron)
        if word is None:
            return self.read("parameter_word")
        self.write("parameter_word", word & 0xFFFFFFFF)
        while self.field("status", "writing"):
            pass
        return word
'''


_SELF_TEST = '''
    def run_selftest(self, timesteps, stalls=0, patience=10.0):
        """Run the self-test; return its signature, 128 bits: that of the updates in the low half.

        Each stream pauses in `stalls` of 256 clocks, which leaves the signature as it is. The neurons are reset
        before and after; results have to be taken until the run begins, then the streams are quiet until it is over.
        RuntimeError if for `patience` seconds no timestep ends.
        """
        self.write("selftest_length", timesteps)
        self.write("selftest", stalls << 8 | 1)
        reached, since = None, time.monotonic()
        while self.field("selftest", "running"):
            now = self.read("selftest_timesteps")
            if now != reached:
                reached, since = now, time.monotonic()
            elif time.monotonic() - since > patience:
                raise RuntimeError(f"the self-test is stuck: {reached} of {timesteps} timesteps are over")
        words = [self.read(name) for name in OFFSETS if name.startswith("signature_")]
        self.restart()
        return sum(word << 32 * place for place, word in enumerate(words))
'''
