"""The segment builder: a form that is a tree of conditions, read, edited and drawn again."""
