#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Documentation against code: public functions, options, priors, status codes, warnings, verbs, pages.
build=$(pwd -P)
cd "${srcdir:-.}" || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/mote-docs-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
failures=0

# none NAME FILE: the file lists what is missing.
none()
{
    if [ -s "$2" ]; then
        echo "not ok - $1"
        sed 's/^/#   /' "$2"
        failures=$((failures + 1))
    else echo "ok - $1"; fi
}

# A public function or object is documented by a comment above it, above its group (no blank line between), or on its line.
awk '
FNR == 1 { comment = 0; inside = 0 }
/^$/ { comment = 0 }
/\/\*/ { comment = 1 }
/^MOTE_API/ && !comment && !/\/\*/ {
    # a declaration may carry its comment behind the last line
    line = $0
    while (line !~ /;/ && (getline more) > 0) line = line " " more
    if (line !~ /\/\*/) print FILENAME ": " line
}' include/mote/*.h >"$work/undocumented"
none "every public function has a comment" "$work/undocumented"

# What the library exports stands in a header.
if command -v nm >/dev/null && [ -e "$build/.libs/libmote.so" ]; then
    nm -D --defined-only "$build/.libs/libmote.so" | awk '{ print $3 }' | grep '^mote_' | while read -r symbol; do
        grep -q -w -e "$symbol" include/mote/*.h || echo "$symbol"
    done >"$work/symbols"
    nm -D --defined-only "$build/.libs/libmote.so" | awk '$2 != "A" && $3 !~ /^mote_/ { print $3 }' >>"$work/symbols"
    none "every exported symbol stands in a public header" "$work/symbols"
fi

"$build/tools/option_tables" "$work" || echo "option_tables failed" >"$work/tables"
"$build/mote" config --dump | sed -n 's/^[#; ]*\([a-z_][a-z_]*\) *=.*/\1/p' | sort -u |
    grep -v -x -e model -e sampler -e output -e name >"$work/keys"
[ "$(wc -l <"$work/keys")" -gt 30 ] || echo "mote config --dump shows few keys" >>"$work/tables"
while read -r key; do
    grep -q -F -e "\`\`$key\`\`" "$work"/options_*.rst || echo "$key"
done <"$work/keys" >>"$work/tables"
none "every option is in the manual's tables" "$work/tables"

for page in "$work"/*.rst; do
    name=$(basename "$page")
    grep -q -e "generated/$name" doc/options.rst || echo "$name"
done >"$work/includes"
none "every table is in the manual" "$work/includes"

sed -n '/define MOTE_WARNING_LIST/,/^$/s/^ *X(\([A-Z_]*\),.*/\1/p' include/mote/nested.h >"$work/warnings"
[ -s "$work/warnings" ] || echo "no warnings found" >"$work/missing"
while read -r warning; do
    grep -q -F -e "\`\`$warning\`\`" doc/nested.rst || echo "$warning"
done <"$work/warnings" >>"$work/missing"
none "every warning is explained" "$work/missing"

sed -n '/define MOTE_PRIOR_LIST/,/^$/s/^ *X([A-Z_]*, "\([a-z_]*\)".*/\1/p' include/mote/parameter.h >"$work/priors"
while read -r prior; do
    grep -q -i -w -e "$prior" doc/priors.rst || echo "$prior"
done <"$work/priors" >"$work/missing_priors"
none "every prior is in its page" "$work/missing_priors"

"$build/mote" --help | sed -n 's/^  \([a-z][a-z]*\)  *[^ ].*/\1/p' | grep -v -x mote >"$work/verbs"
[ "$(wc -l <"$work/verbs")" -ge 9 ] || echo "mote --help shows few verbs" >"$work/missing_verbs"
while read -r verb; do
    grep -q -e "^\`\`mote $verb" doc/cli.rst || echo "$verb: doc/cli.rst"
    grep -q -w -e "$verb" doc/man/mote.1 || echo "$verb: doc/man/mote.1"
done <"$work/verbs" >>"$work/missing_verbs"
none "every verb is in the manual and the man page" "$work/missing_verbs"

for page in doc/*.rst; do
    name=$(basename "$page" .rst)
    [ "$name" = index ] || grep -q -x -e "   $name" doc/index.rst || echo "$page is in no list of doc/index.rst"
    grep -q -F -e "$page" Makefile.am || echo "$page is not in Makefile.am"
done >"$work/pages"
for header in include/mote/*.h; do
    name=$(basename "$header" .h)
    [ "$name" = mote ] || [ "$name" = adapter ] || [ -e "doc/api/$name.rst" ] || echo "doc/api/$name.rst"
done >>"$work/pages"
none "every page is in the manual" "$work/pages"

for file in README.md CONTRIBUTING.md; do
    sed -n 's/.*](\([^)#]*\)).*/\1/p' "$file" | grep -v '^http' | while read -r link; do
        [ -e "$link" ] || echo "$file: $link"
    done
done >"$work/links"
none "links of the README exist" "$work/links"
[ "$failures" -eq 0 ]
