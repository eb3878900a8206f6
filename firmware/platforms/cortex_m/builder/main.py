"""Build and upload for a bare-metal Cortex-M board with the system's compiler (for PlatformIO's SCons)."""

from SCons.Script import AlwaysBuild, Builder, Default, DefaultEnvironment

env = DefaultEnvironment()
board = env.BoardConfig()

TOOLS = {
    "AR": "ar",
    "AS": "as",
    "CC": "gcc",
    "CXX": "g++",
    "OBJCOPY": "objcopy",
    "RANLIB": "ranlib",
    "SIZETOOL": "size",
}
MACHINE = ["-mthumb", f"-mcpu={board.get('build.cpu')}"]
if board.get("build.fpu", ""):
    MACHINE += [f"-mfpu={board.get('build.fpu')}", "-mfloat-abi=hard"]
COMPILE = ["-ffunction-sections", "-fdata-sections", "-fno-common", "-g"]

env.Replace(
    **{variable: f"arm-none-eabi-{name}" for variable, name in TOOLS.items()},
    PROGNAME="firmware",
    PROGSUFFIX=".elf",
    SIZEPROGREGEXP=r"^(?:\.text|\.data|\.ARM\.exidx)\s+(\d+).*",
    SIZEDATAREGEXP=r"^(?:\.data|\.bss)\s+(\d+).*",
    SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
    SIZEPRINTCMD="$SIZETOOL -B -d $SOURCES",
)
env.Append(
    ASFLAGS=MACHINE,
    CCFLAGS=MACHINE + COMPILE,
    CXXFLAGS=["-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-fno-use-cxa-atexit"],
    LINKFLAGS=[*MACHINE, "-nostartfiles", "--specs=nano.specs", "--specs=nosys.specs", "-Wl,--gc-sections"],
    LIBS=["c", "gcc"],
    BUILDERS={
        "ElfToBin": Builder(
            action=env.VerboseAction("$OBJCOPY -O binary $SOURCES $TARGET", "Building $TARGET"), suffix=".bin"
        )
    },
)
env.Replace(LDSCRIPT_PATH=env.subst("$PROJECT_DIR/" + board.get("build.ldscript")))

elf = env.BuildProgram()
env.Depends(elf, env["LDSCRIPT_PATH"])
if board.get("build.checksum", ""):
    checksum = f'"$PYTHONEXE" "$PROJECT_DIR/{board.get("build.checksum")}" $TARGET'
    env.AddPostAction(elf, env.VerboseAction(checksum, "Writing the checksum of the boot loader"))
images = [env.ElfToBin("$BUILD_DIR/firmware", elf)]
if board.get("upload.protocol") == "uf2":
    command = '"$PYTHONEXE" "$PROJECT_DIR/scripts/uf2.py" $SOURCE $TARGET'
    images += [env.Command("$BUILD_DIR/firmware.uf2", elf, env.VerboseAction(command, "Building $TARGET"))]

size = env.AddPlatformTarget(
    "size",
    elf,
    env.VerboseAction("$SIZEPRINTCMD", "Size of $SOURCE"),
    "Program size",
    "Flash and RAM by section",
)

START, OPENOCD_TARGET = board.get("upload.flash_start"), board.get("upload.openocd_target")


def openocd(interface: str) -> str:
    """The command that writes an ELF by OpenOCD."""
    return (
        f'openocd -f interface/{interface}.cfg -f {OPENOCD_TARGET} -c "program {{$SOURCE}} verify reset exit"'
    )


UPLOADS = {
    "dfu": (images[0], f"dfu-util -d {board.get('upload.dfu_id', '')} -a 0 -s {START}:leave -D $SOURCE"),
    "stlink": (elf, openocd("stlink")),
    "picoprobe": (elf, openocd("cmsis-dap")),
    "uf2": (images[-1], '"$PYTHONEXE" "$PROJECT_DIR/scripts/uf2_drive.py" $SOURCE'),
}
source, command = UPLOADS[env.subst("$UPLOAD_PROTOCOL") or board.get("upload.protocol")]
env.AddPlatformTarget("upload", source, env.VerboseAction(command, "Uploading $SOURCE"), "Upload")

AlwaysBuild(size)
Default([elf, *images])
