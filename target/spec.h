/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spec - what is written behind --dev, --host and the listeners' options, into a wanted model.
 *
 * A spec is a value and settings of it: VALUE[,KEY[=VALUE]]...
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "target/ctl.h"
#include "target/model.h"

/*
 * Add a namespace: PATH[,nsid=N][,uuid=U][,nguid=G][,ana-group=N][,buffered-io][,resv]
 * [,p2pmem=X][,disabled].
 * @nsid  if the spec has none
 * Returns: 0; -EINVAL; -EEXIST that number is there; -ENOMEM.
 */
int spec_add_namespace(struct model_object *subsystem, const char *spec, uint32_t nsid,
		       struct err *err);

/*
 * Add a port that serves @nqn: ADDR[:PORT][,port-id=N][,tls=...][,inline-data-size=N]
 * [,max-queue-size=N][,mdts=N][,pi]. A name is looked up.
 * @nqn  NULL: no link
 * @ret_port  borrowed; NULL allowed
 * Returns: 0; -EINVAL; codes of net_resolve; -ENOMEM.
 */
int spec_add_listener(struct ctl *ctl, struct model_object *root, const struct cli_item *listener,
		      const char *nqn, struct model_object **ret_port, struct err *err);

/*
 * Add a host and allow it: HOSTNQN[,dhchap-key=FILE][,dhchap-ctrl-key=FILE][,dhchap-hash=H]
 * [,dhchap-dhgroup=G]. The key is not read yet.
 * Returns: 0; -EINVAL; -ENAMETOOLONG; -ENOMEM.
 */
int spec_add_host(struct model_object *root, struct model_object *subsystem, const char *spec,
		  struct err *err);
