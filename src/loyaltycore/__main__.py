"""`python -m loyaltycore` is the command `loyaltycore`."""

import sys

from loyaltycore.cli import main

sys.exit(main())
