# STAND-IN by the lead: overwrite me
