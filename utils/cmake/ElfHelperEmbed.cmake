# elfhelper_embed(TARGET [ARCH arch] FORMAT object|asm|c
#   [SYMBOL_PREFIX prefix] [FEATURES feature...])
#
# Puts the spawn helper for a machine, by default the host's, into TARGET, which
# has to be known already. The header <prefix>.h, in the target's include path,
# declares
#
#   const unsigned char <prefix>[];
#   const size_t <prefix>_size;
#
# with hidden visibility. The default prefix is elfspawn_helper. A target can
# have several helpers with several prefixes.
#
# FORMAT says how: an object, assembly or C. Assembly wants the project to have
# the language ASM. FEATURES are words for elfhelper's option --features.

cmake_policy(PUSH)
cmake_policy(VERSION 3.21...3.31)

function(elfhelper_embed target)
  cmake_parse_arguments(PARSE_ARGV 1 A "" "ARCH;FORMAT;SYMBOL_PREFIX" "FEATURES")
  set(where "elfhelper_embed(${target})")
  if(A_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${where}: found '${A_UNPARSED_ARGUMENTS}', wanted a keyword")
  elseif(A_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "${where}: ${A_KEYWORDS_MISSING_VALUES} wants a value")
  elseif(NOT TARGET "${target}")
    message(FATAL_ERROR "${where}: found no such target")
  endif()
  if(A_FORMAT STREQUAL "object")
    set(extension o)
  elseif(A_FORMAT STREQUAL "asm")
    set(extension s)
    if(NOT CMAKE_ASM_COMPILER)
      message(FATAL_ERROR "${where}: FORMAT asm wants the language ASM in project()")
    endif()
  elseif(A_FORMAT STREQUAL "c")
    set(extension c)
  else()
    message(FATAL_ERROR "${where}: found FORMAT '${A_FORMAT}', wanted object, asm or c")
  endif()
  if(NOT A_SYMBOL_PREFIX)
    set(A_SYMBOL_PREFIX elfspawn_helper)
  endif()
  set(options "--format=${A_FORMAT}" "--symbol-prefix=${A_SYMBOL_PREFIX}")
  if(A_ARCH)
    list(APPEND options "--arch=${A_ARCH}")
  endif()
  if(A_FEATURES)
    list(JOIN A_FEATURES "," features)
    list(APPEND options "--features=${features}")
  endif()

  set(directory "${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${target}.elfhelper")
  file(MAKE_DIRECTORY "${directory}")
  set(output "${directory}/${A_SYMBOL_PREFIX}.${extension}")
  set(header "${directory}/${A_SYMBOL_PREFIX}.h")
  add_custom_command(
    OUTPUT "${output}" "${header}"
    COMMAND elfmerge::elfhelper ${options} "--header=${header}"
            -MF "${output}.d" -o "${output}"
    DEPENDS elfmerge::elfhelper
    DEPFILE "${output}.d"
    COMMENT "Writing spawn helper ${A_SYMBOL_PREFIX}"
    VERBATIM)
  target_sources(${target} PRIVATE "${output}" "${header}")
  if(A_FORMAT STREQUAL "object")
    set_source_files_properties("${output}" PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  endif()
  target_include_directories(${target} PRIVATE "${directory}")
endfunction()

cmake_policy(POP)
