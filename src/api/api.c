#include "api/api.h"

#include "base/uuid.h"

const char *api_not_ready(const struct api *api)
{
    if (api->draining || api->engine == NULL)
        return "the server is stopping; try again in a moment";
    if (!api->probed)
        return "the server is starting: it is looking which languages are there; try again in a moment";
    return NULL;
}

void api_make_id(char id[API_ID_BYTES])
{
    uuid_make(id);
}
