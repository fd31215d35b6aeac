// A figure opens large in a page of its own.
document.addEventListener("DOMContentLoaded", () => {
  for (const image of document.querySelectorAll("article img")) {
    if (image.closest("a") || image.closest(".sphx-glr-thumbcontainer")) continue;
    const link = document.createElement("a");
    link.href = image.src;
    link.title = "Open the figure in full size";
    image.replaceWith(link);
    link.append(image);
  }
});
