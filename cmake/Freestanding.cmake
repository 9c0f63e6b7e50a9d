# elfmerge_add_freestanding_archive(TARGET NAME name ARCH arch
#                                   [ARCH_FOLDER folder] [FLAGS flag...]
#                                   INCLUDES dir... SOURCES file...
#                                   ARCH_SOURCES file...)
#
# Makes lib/elfmerge/lib<name>-<arch>.a of freestanding C and assembly, with no
# need of a compiler or C library of that machine. ARCH_SOURCES are below
# arch/<arch>/<folder>, by default runtime; it is also the first include
# directory, and arch/<arch> the second. FLAGS are by default those of code that
# is linked into position-independent images.

set(ELFMERGE_FREESTANDING_FLAGS
  -ffreestanding -nostdlibinc -fvisibility=hidden -fno-stack-protector
  -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-jump-tables
  -fno-common -ffunction-sections -g0 -Wall -Wextra -Werror
  -Wno-unused-parameter)
set(ELFMERGE_FREESTANDING_FLAGS_aarch64
  --target=aarch64-unknown-linux-gnu -mgeneral-regs-only -mno-outline-atomics)
set(ELFMERGE_FREESTANDING_FLAGS_arm
  --target=armv5te-unknown-linux-gnueabi -marm -mfloat-abi=soft)
set(ELFMERGE_FREESTANDING_FLAGS_i386
  --target=i386-unknown-linux-gnu -mgeneral-regs-only -fcf-protection=none)
set(ELFMERGE_FREESTANDING_FLAGS_riscv64
  --target=riscv64-unknown-linux-gnu -mno-relax)
set(ELFMERGE_FREESTANDING_FLAGS_x86_64
  --target=x86_64-unknown-linux-gnu -mgeneral-regs-only -fcf-protection=none)

function(elfmerge_add_freestanding_archive target)
  cmake_parse_arguments(PARSE_ARGV 1 A "" "NAME;ARCH;ARCH_FOLDER"
                        "FLAGS;INCLUDES;SOURCES;ARCH_SOURCES")
  if(NOT A_ARCH_FOLDER)
    set(A_ARCH_FOLDER runtime)
  endif()
  if(NOT A_FLAGS)
    set(A_FLAGS -fPIE -O2)
  endif()
  set(arch_dir "${PROJECT_SOURCE_DIR}/arch/${A_ARCH}/${A_ARCH_FOLDER}")
  list(TRANSFORM A_ARCH_SOURCES PREPEND "${arch_dir}/")
  list(TRANSFORM A_SOURCES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  set(flags ${ELFMERGE_FREESTANDING_FLAGS} ${ELFMERGE_FREESTANDING_FLAGS_${A_ARCH}} ${A_FLAGS}
            "-ffile-prefix-map=${PROJECT_SOURCE_DIR}=." "-I${arch_dir}" "-I${PROJECT_SOURCE_DIR}/arch/${A_ARCH}")
  foreach(dir IN LISTS A_INCLUDES)
    list(APPEND flags "-I${dir}")
  endforeach()

  set(objects)
  foreach(source IN LISTS A_SOURCES A_ARCH_SOURCES)
    get_filename_component(name "${source}" NAME)
    set(object "${CMAKE_CURRENT_BINARY_DIR}/${A_NAME}-${A_ARCH}.${name}.o")
    set(standard "-std=c11")
    if(name MATCHES "\\.S$")
      set(standard)
    endif()
    add_custom_command(
      OUTPUT "${object}"
      COMMAND "${ELFMERGE_CLANG}" ${flags} ${standard} -MD -MF "${object}.d"
              -c "${source}" -o "${object}"
      DEPENDS "${source}"
      DEPFILE "${object}.d"
      COMMENT "Compiling ${A_ARCH} ${name}"
      VERBATIM)
    list(APPEND objects "${object}")
  endforeach()

  set(archive "${PROJECT_BINARY_DIR}/lib/elfmerge/lib${A_NAME}-${A_ARCH}.a")
  add_custom_command(
    OUTPUT "${archive}"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${PROJECT_BINARY_DIR}/lib/elfmerge"
    COMMAND "${CMAKE_COMMAND}" -E rm -f "${archive}"
    COMMAND "${ELFMERGE_LLVM_AR}" rcsD "${archive}" ${objects}
    DEPENDS ${objects}
    COMMENT "Archiving ${A_NAME}-${A_ARCH}"
    VERBATIM)
  add_custom_target(${target} ALL DEPENDS "${archive}")
  install(FILES "${archive}" DESTINATION lib/elfmerge)
endfunction()
