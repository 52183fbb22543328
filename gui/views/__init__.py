"""The window's views: each shows a part of what the model knows, and asks for what is pressed in it."""
