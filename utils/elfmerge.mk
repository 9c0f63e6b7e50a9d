# For GNU make: rules that merge programs into an image, and rules that write
# spawn helpers. Include this file, then
#
#   $(eval $(call elfmerge_image,IMAGE,PROGRAMS[,WORDS]))
#   $(eval $(call elfhelper,OUT,ARCH,FORMAT[,OPTIONS]))
#
# IMAGE      the file to make
# PROGRAMS   the programs it depends on
# WORDS      the rest of elfmerge's command line, as a shell reads it: programs
#            with their options and arguments, with \; between them. Without
#            it, each of PROGRAMS is run once, without arguments.
#
# For example
#
#   include PREFIX/share/elfmerge/elfmerge.mk
#   $(eval $(call elfmerge_image,site,server worker,\
#     ./server --port=80 \; --count=4 ./worker))
#
# A comma or a $ in WORDS has to come from a variable: $(comma), $(dollar).
#
# The image is made anew when a program or an embedded library has changed: what
# elfmerge read is in IMAGE.d, which is included. To have it made anew also when
# the makefile has changed, say `IMAGE: Makefile`.
#
# OUT        the file to make; with FORMAT c it ends in .c, and a header is made
#            beside it
# ARCH       the machine; empty: the host's
# FORMAT     elf, object, asm, c or json
# OPTIONS    more of elfhelper's options, as a shell reads them
#
# ELFMERGE        the tool; default: that of the tree this file is in
# ELFMERGE_FLAGS  options for every image, for instance --strip
# ELFHELPER       the other tool; default: that of the tree this file is in

# Expanded at once: the list grows with every file that is included.
ifndef ELFMERGE
ELFMERGE := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))../../bin/elfmerge)
endif

ifndef ELFHELPER
ELFHELPER := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))../../bin/elfhelper)
endif

_elfmerge_empty :=
_elfmerge_space := $(_elfmerge_empty) $(_elfmerge_empty)
_elfmerge_each_once = $(subst $(_elfmerge_space), \; ,$(strip $(1)))

define elfmerge_image
$(1): $(2) $$(ELFMERGE)
	$$(ELFMERGE) $$(ELFMERGE_FLAGS) -MF $$@.d -o $$@ $(or $(strip $(3)),$(call _elfmerge_each_once,$(2)))
-include $(1).d
endef

# A header is written together with its source, so it needs no commands.
define elfhelper
$(1): $$(ELFHELPER)
	$$(ELFHELPER) $(if $(strip $(2)),--arch=$(strip $(2))) --format=$(strip $(3)) $(4) -MF $$@.d -o $$@
$(if $(filter c,$(strip $(3))),$(patsubst %.c,%.h,$(strip $(1))): $(1) ;)
-include $(1).d
endef
