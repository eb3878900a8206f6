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
binary = env.ElfToBin("$BUILD_DIR/firmware", elf)

size = env.AddPlatformTarget(
    "size",
    elf,
    env.VerboseAction("$SIZEPRINTCMD", "Size of $SOURCE"),
    "Program size",
    "Flash and RAM by section",
)

OPENOCD = f"openocd -f interface/stlink.cfg -f {board.get('upload.openocd_target')}"
START = board.get("upload.flash_start")
UPLOADS = {
    "dfu": (binary, f"dfu-util -d {board.get('upload.dfu_id')} -a 0 -s {START}:leave -D $SOURCE"),
    "stlink": (
        elf,
        f'{OPENOCD} -c "program {{$SOURCE}} verify reset exit"',
    ),
}
source, command = UPLOADS[env.subst("$UPLOAD_PROTOCOL") or board.get("upload.protocol")]
env.AddPlatformTarget("upload", source, env.VerboseAction(command, "Uploading $SOURCE"), "Upload")

AlwaysBuild(size)
Default([elf, binary])
