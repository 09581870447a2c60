"""Everything that holds people out, analysed: looks, segments, what it says in one sentence."""
