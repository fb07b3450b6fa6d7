# Plain comments before a declaration, and behind a field, become Doxygen's. A file's head becomes its description.
2s|^/\* |/** @file |
s|^\( *\)/\* |\1/** |
s|\([;,]\) *//* \(.*\)|\1 /**< \2|
s|\([;,][ ]*\)/\* |\1/**< |
# A struct and its name are one thing.
s|^typedef struct \(mote_[a-z0-9_]*\) {|struct \1 {|
s|^} mote_[a-z0-9_]*;|};|
