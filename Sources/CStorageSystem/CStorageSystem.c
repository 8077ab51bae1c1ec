#include "CStorageSystem.h"
