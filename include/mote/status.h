/* SPDX-License-Identifier: BSD-2-Clause */
/* Status codes. Functions that act return one; 0 is success, 1..15 are states of a run, errors start at 16.
 * Negative codes belong to the user's own callbacks and reach the caller unchanged. */
#ifndef MOTE_STATUS_H
#define MOTE_STATUS_H

#include <mote/base.h>

MOTE_BEGIN

#define MOTE_STATUS_LIST(X)                                                                            \
    X(OK, 0, "success")                                                                                \
    X(DONE, 1, "the run has finished")                                                                 \
    X(WAITING, 2, "the run waits for values or for an observation")                                    \
    X(STOPPED, 3, "the run was stopped on request; its draws are valid and it can be resumed")         \
    X(ENOMEM, 16, "out of memory; the last safe point is intact")                                      \
    X(EINVAL, 17, "invalid argument")                                                                  \
    X(EKIND, 18, "a struct of the wrong kind was passed")                                              \
    X(EVERSION, 19, "a struct, file or plug-in of an unknown version")                                 \
    X(ESTATE, 20, "the call is not allowed in the run's present state")                                \
    X(EMODEL, 21, "the model failed")                                                                  \
    X(EOPTION, 22, "an unknown option or a value outside its range")                                   \
    X(EPARSE, 23, "a file could not be understood")                                                    \
    X(EIO, 24, "a file could not be read or written")                                                  \
    X(ENOENT, 25, "a file or folder does not exist")                                                   \
    X(EEXIST, 26, "the output exists already or is in use by another run")                             \
    X(ECORRUPT, 27, "a checkpoint is damaged")                                                         \
    X(EIDENTITY, 28, "the checkpoint belongs to another model, data set or option set")                \
    X(EPLUGIN, 29, "the plug-in could not be loaded")                                                  \
    X(EUNSUPPORTED, 30, "the model lacks something that the algorithm needs")                          \
    X(ENUMERIC, 31, "a number left the range of double precision")                                     \
    X(EWORKER, 32, "a worker process could not be started or kept alive")                              \
    X(ESOURCE, 33, "the source of randomness has run out or differs from its record")                  \
    X(EPLATEAU, 34, "all remaining points have the same likelihood and no better one could be found")  \
    X(EINTERNAL, 35, "an internal error: please report it")

enum mote_status {
#define MOTE_STATUS_ENUMERATOR(name, value, text) MOTE_##name = value,
    MOTE_STATUS_LIST(MOTE_STATUS_ENUMERATOR)
#undef MOTE_STATUS_ENUMERATOR
};

/* One sentence for a code; never NULL. Codes below zero answer "a code of the user's model". */
MOTE_API const char *mote_strerror(int status);

/* "MOTE_ENOMEM" for MOTE_ENOMEM; NULL for a code that is not in the list. */
MOTE_API const char *mote_status_name(int status);

/* The inverse: MOTE_ENOMEM for "MOTE_ENOMEM"; -1 for an unknown name. */
MOTE_API int mote_status_from_name(const char *name);

MOTE_END
#endif
