"""Build the firmware as a program for this computer (read by PlatformIO's SCons)."""

from SCons.Script import AlwaysBuild, Default, DefaultEnvironment

env = DefaultEnvironment()
env.Replace(
    PROGNAME="firmware",
    SIZETOOL="size",
    SIZEPRINTCMD="$SIZETOOL $SOURCES",
    SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
    SIZEPROGREGEXP=r"^(?:\.text|\.rodata|\.data)\s+(\d+).*",
    SIZEDATAREGEXP=r"^(?:\.data|\.bss)\s+(\d+).*",
)
env.Append(CCFLAGS=["-g"])

program = env.BuildProgram()
run = env.AddPlatformTarget("exec", program, env.VerboseAction("$SOURCE", "Running $SOURCE"), "Run")
AlwaysBuild(run)
Default([program])
