"""Nothing that names a person leaves the hospital by what Orienteer writes."""
