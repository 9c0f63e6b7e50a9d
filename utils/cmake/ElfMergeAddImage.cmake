# elfmerge_add_image(NAME
#   INSTANCE program [ARGS arg...] [NAME name] [COUNT n] [ENV NAME=VALUE...]
#                    [CWD dir] [STACK_SIZE size] [ARGV0 string] [RESTART rule]
#   [INSTANCE program ...]...
#   [OPTIONS option...] [OUTPUT file] [EXCLUDE_FROM_ALL])
#
# Adds a target NAME that merges programs into an image: the file images/NAME in
# the current binary directory, or OUTPUT. Its path is the target's property
# ELFMERGE_IMAGE. (Ninja does not tell a custom target from a file of the same
# name in the binary directory, so the image cannot be there.)
#
# Each INSTANCE stands for one group of elfmerge's command line; its program is
# an executable target, which has to be known already, or a file, relative to
# the current source directory. OPTIONS are the tool's own, for instance
# --strip. The values may hold generator expressions. A word that is one of the
# keywords above always is that keyword.
#
# The image is made anew when a program, an embedded library or what was said
# here has changed.

cmake_policy(PUSH)
cmake_policy(VERSION 3.21...3.31)

# One value as YAML: in double quotes.
function(_elfmerge_quote result text)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n" text "${text}")
  string(REPLACE "\t" "\\t" text "${text}")
  set(${result} "\"${text}\"" PARENT_SCOPE)
endfunction()

# Where a program is, and what to depend on.
function(_elfmerge_program path dependency program)
  if(TARGET "${program}")
    set(${path} "$<TARGET_FILE:${program}>" PARENT_SCOPE)
    set(${dependency} "${program}" PARENT_SCOPE)
    return()
  endif()
  if(NOT program MATCHES "^\\$<")
    get_filename_component(program "${program}" ABSOLUTE
                           BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
  endif()
  set(${path} "${program}" PARENT_SCOPE)
  set(${dependency} "${program}" PARENT_SCOPE)
endfunction()

function(elfmerge_add_image name)
  set(one_value INSTANCE NAME COUNT CWD STACK_SIZE ARGV0 RESTART OUTPUT)
  set(of_instance NAME COUNT CWD STACK_SIZE ARGV0 RESTART ARGS ENV)
  set(key_NAME name)
  set(key_COUNT count)
  set(key_CWD cwd)
  set(key_STACK_SIZE stack-size)
  set(key_ARGV0 argv0)
  set(key_RESTART restart)
  set(key_ARGS args)
  set(key_ENV env)

  # The instances go into a manifest: there every argument can be written down,
  # and the file is a dependency that changes when what is said here does.
  set(manifest "instances:\n")
  set(dependencies)
  set(options)
  set(output "images/${name}")
  set(all ALL)
  set(keyword)
  set(list_open NO)
  set(instances 0)

  # By number, as in ${ARGN} an empty argument or one with a ";" gets lost.
  math(EXPR last "${ARGC} - 1")
  set(n 0)
  while(n LESS last)
    math(EXPR n "${n} + 1")
    set(word "${ARGV${n}}")

    if(word MATCHES "^(INSTANCE|ARGS|NAME|COUNT|ENV|CWD|STACK_SIZE|ARGV0|RESTART|OPTIONS|OUTPUT|EXCLUDE_FROM_ALL)$")
      if(keyword IN_LIST one_value)
        message(FATAL_ERROR "elfmerge_add_image(${name}): ${keyword} wants a value")
      endif()
      if(list_open)
        string(APPEND manifest "]\n")
        set(list_open NO)
      endif()
      set(keyword "${word}")
      if(keyword IN_LIST of_instance AND instances EQUAL 0)
        message(FATAL_ERROR "elfmerge_add_image(${name}): ${keyword} stands before the first INSTANCE")
      endif()
      if(keyword STREQUAL "EXCLUDE_FROM_ALL")
        set(all)
        set(keyword)
      elseif(keyword MATCHES "^(ARGS|ENV)$")
        string(APPEND manifest "    ${key_${keyword}}: [")
        set(list_open YES)
        set(comma "")
      endif()
    elseif(keyword STREQUAL "INSTANCE")
      _elfmerge_program(path dependency "${word}")
      _elfmerge_quote(value "${path}")
      string(APPEND manifest "  - program: ${value}\n")
      list(APPEND dependencies "${dependency}")
      math(EXPR instances "${instances} + 1")
      set(keyword)
    elseif(keyword MATCHES "^(ARGS|ENV)$")
      _elfmerge_quote(value "${word}")
      string(APPEND manifest "${comma}${value}")
      set(comma ", ")
    elseif(keyword STREQUAL "OPTIONS")
      list(APPEND options "${word}")
    elseif(keyword STREQUAL "OUTPUT")
      set(output "${word}")
      set(keyword)
    elseif(keyword IN_LIST of_instance)
      _elfmerge_quote(value "${word}")
      string(APPEND manifest "    ${key_${keyword}}: ${value}\n")
      set(keyword)
    else()
      message(FATAL_ERROR "elfmerge_add_image(${name}): found '${word}', wanted a keyword")
    endif()
  endwhile()

  if(keyword IN_LIST one_value)
    message(FATAL_ERROR "elfmerge_add_image(${name}): ${keyword} wants a value")
  endif()
  if(list_open)
    string(APPEND manifest "]\n")
  endif()
  if(instances EQUAL 0)
    message(FATAL_ERROR "elfmerge_add_image(${name}): no INSTANCE")
  endif()

  set(directory "${CMAKE_CURRENT_BINARY_DIR}")
  get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  if(multi_config)
    string(APPEND directory "/$<CONFIG>")
  endif()
  cmake_path(ABSOLUTE_PATH output BASE_DIRECTORY "${directory}" NORMALIZE)
  if(output STREQUAL "${CMAKE_CURRENT_BINARY_DIR}/${name}")
    message(FATAL_ERROR "elfmerge_add_image(${name}): OUTPUT is the name of the target itself")
  endif()
  cmake_path(GET output PARENT_PATH output_directory)
  set(side "${directory}/CMakeFiles/${name}.elfmerge")
  file(GENERATE OUTPUT "${side}.yaml" CONTENT "${manifest}")
  add_custom_command(
    OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${output_directory}"
    COMMAND elfmerge::elfmerge ${options} -MF "${side}.d" -o "${output}"
            "--manifest=${side}.yaml"
    DEPENDS ${dependencies} "${side}.yaml" elfmerge::elfmerge
    DEPFILE "${side}.d"
    COMMENT "Merging ${name}"
    VERBATIM)
  add_custom_target(${name} ${all} DEPENDS "${output}")
  set_target_properties(${name} PROPERTIES ELFMERGE_IMAGE "${output}")
endfunction()

cmake_policy(POP)
